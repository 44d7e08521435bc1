package modules

import (
	"archive/tar"
	"archive/zip"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// archives are the forms that are unpacked.
var archives = []string{"zip", "tar.gz", "tgz", "tar.bz2", "tbz2", "tar"}

// Limits bounds what is fetched. The zero value of a field means the default beside it.
type Limits struct {
	Archive  int64 // bytes that are downloaded for one package: 100 MiB
	Unpacked int64 // bytes of a package: 256 MiB
	Files    int   // files and folders of a package: 30,000
	File     int64 // larger files are left out: 8 MiB
}

func (l *Limits) complete() {
	if l.Archive == 0 {
		l.Archive = 100 << 20
	}
	if l.Unpacked == 0 {
		l.Unpacked = 256 << 20
	}
	if l.Files == 0 {
		l.Files = 30_000
	}
	if l.File == 0 {
		l.File = 8 << 20
	}
}

// unpacking is a package that is being written. Nothing is written outside of its directory, and nothing but plain files.
type unpacking struct {
	ctx    context.Context
	limits Limits
	dir    string
	root   *os.Root
	sums   map[string][sha256.Size]byte
	links  map[string]string // symbolic links and where they lead
	seen   map[string]bool   // names of files, links and directories, also of those left out
	bytes  int64
}

func (s *store) unpacking(ctx context.Context, work string, limits Limits) (*unpacking, error) {
	dir := filepath.Join(work, "package")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, reason(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, reason(err)
	}
	return &unpacking{ctx: ctx, limits: limits, dir: dir, root: root,
		sums: make(map[string][sha256.Size]byte), links: make(map[string]string), seen: make(map[string]bool)}, nil
}

// enter checks the name of an entry and counts it; an empty name is the package itself.
func (u *unpacking) enter(name string, dir bool) (string, error) {
	if err := u.ctx.Err(); err != nil {
		return "", cause(u.ctx)
	}
	clean := strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
	if clean == "" || clean == "." {
		return "", nil
	}
	if !fs.ValidPath(clean) || !filepath.IsLocal(filepath.FromSlash(clean)) || strings.ContainsAny(clean, "\\\x00") {
		return "", failure("the package is refused: it has a file %q, which leads out of it", clip(name))
	}
	if strings.Count(clean, "/") > 64 || len(clean) > 1024 {
		return "", exceeded("the package has a path that is longer than is followed: %q", clip(name))
	}
	if u.seen[clean] && !dir {
		return "", failure("the package is refused: it has %q twice", clip(name))
	}
	u.seen[clean] = true
	if len(u.seen) > u.limits.Files {
		return "", exceeded("the package has more than %d files", u.limits.Files)
	}
	return clean, nil
}

// skipped are folders of which nothing is kept: they are not the module's.
func skipped(name string) bool {
	return slices.Contains(strings.Split(name, "/"), ".git")
}

// file writes one file.
func (u *unpacking) file(name string, content io.Reader) error {
	name, err := u.enter(name, false)
	if err != nil || name == "" || skipped(name) {
		return err
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return failure("the package is refused: %q is not in a folder", clip(name))
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return failure("the package is refused: %q cannot be written beside the others: %v", clip(name), reason(err))
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(content, u.limits.File+1))
	u.bytes += n
	if closing := f.Close(); err == nil && closing != nil {
		return closing
	}
	switch {
	case err != nil:
		return failure("the package is damaged at %q: %v", clip(name), plain(err))
	case u.bytes > u.limits.Unpacked: // also what is left out costs time
		return exceeded("the package has more than %d MiB", u.limits.Unpacked>>20)
	case n > u.limits.File:
		return u.root.Remove(name)
	}
	u.sums[name] = [sha256.Size]byte(h.Sum(nil))
	return nil
}

// link remembers a symbolic link; finish makes a file of it.
func (u *unpacking) link(name, target string) error {
	name, err := u.enter(name, false)
	if err != nil || name == "" || skipped(name) {
		return err
	}
	to := path.Join(path.Dir(name), target)
	if path.IsAbs(target) || strings.ContainsAny(target, "\\\x00") || !fs.ValidPath(to) {
		return failure("the package is refused: the link %q leads out of it", clip(name))
	}
	u.links[name] = to
	return nil
}

// finish copies what links lead to, as far as they are files: a package holds no links. Links to folders, and those that lead
// nowhere, are left out.
func (u *unpacking) finish() error {
	for name, to := range u.links {
		for range 10 {
			next, ok := u.links[to]
			if !ok {
				break
			}
			to = next
		}
		if _, ok := u.sums[to]; !ok {
			continue
		}
		content, err := u.root.Open(to)
		if err != nil {
			return reason(err)
		}
		delete(u.seen, name)
		err = u.file(name, content)
		content.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// archive unpacks a file that was downloaded.
func (u *unpacking) archive(f *os.File, form string) error {
	var in io.Reader = f
	switch form {
	case "zip":
		return u.zip(f)
	case "tar.gz", "tgz":
		z, err := gzip.NewReader(f)
		if err != nil {
			return failure("the archive is not gzip: %v", plain(err))
		}
		in = z
	case "tar.bz2", "tbz2":
		in = bzip2.NewReader(f)
	}
	return u.tar(in)
}

func (u *unpacking) tar(in io.Reader) error {
	bounded := &io.LimitedReader{R: in, N: u.limits.Unpacked + 1} // also what is not written costs time
	t := tar.NewReader(bounded)
	for {
		h, err := t.Next()
		if bounded.N <= 0 {
			return exceeded("the package has more than %d MiB", u.limits.Unpacked>>20)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return failure("the archive is damaged: %v", plain(err))
		}
		switch h.Typeflag {
		case tar.TypeReg, 0: // old archives have 0 for a file
			err = u.file(h.Name, t)
		case tar.TypeDir:
			_, err = u.enter(h.Name, true)
		case tar.TypeSymlink:
			err = u.link(h.Name, h.Linkname)
		case tar.TypeXGlobalHeader:
			err = nil
		default:
			err = failure("the package is refused: %q is neither a file nor a folder", clip(h.Name))
		}
		if bounded.N <= 0 {
			return exceeded("the package has more than %d MiB", u.limits.Unpacked>>20)
		}
		if err != nil {
			return err
		}
	}
}

func (u *unpacking) zip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return reason(err)
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return failure("the archive is not zip: %v", plain(err))
	}
	if len(z.File) > u.limits.Files {
		return exceeded("the package has more than %d files", u.limits.Files)
	}
	for _, e := range z.File {
		mode := e.Mode()
		switch {
		case mode.IsDir():
			_, err = u.enter(e.Name, true)
		case mode.IsRegular():
			err = u.zipped(e, func(r io.Reader) error { return u.file(e.Name, r) })
		case mode&fs.ModeSymlink != 0:
			err = u.zipped(e, func(r io.Reader) error {
				target, err := io.ReadAll(io.LimitReader(r, 4096))
				if err != nil {
					return failure("the archive is damaged: %v", plain(err))
				}
				return u.link(e.Name, string(target))
			})
		default:
			err = failure("the package is refused: %q is neither a file nor a folder", clip(e.Name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacking) zipped(e *zip.File, take func(io.Reader) error) error {
	r, err := e.Open()
	if err != nil {
		return failure("the archive is damaged at %q: %v", clip(e.Name), plain(err))
	}
	defer r.Close()
	return take(r)
}

// checksum is what the bytes of an archive must add up to.
type checksum struct {
	new  func() hash.Hash
	want []byte
	text string
}

// parseChecksum understands TYPE:HEX and HEX, whose length then says the type.
func parseChecksum(text string) (*checksum, error) {
	kind, digits, typed := strings.Cut(text, ":")
	if !typed {
		digits = text
		kind = map[int]string{32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}[len(digits)]
	}
	kinds := map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
	want, err := hex.DecodeString(digits)
	if kinds[kind] == nil || err != nil || len(want) != kinds[kind]().Size() {
		return nil, failure("checksum=%s is not md5, sha1, sha256 or sha512 in hexadecimal digits", clip(text))
	}
	return &checksum{kinds[kind], want, kind + ":" + strings.ToLower(digits)}, nil
}
