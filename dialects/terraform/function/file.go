package function

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxHashed bounds the files of which only a digest is wanted: archives are larger than texts.
const maxHashed = 64 << 20

// tree is what the file functions can see.
type tree struct{ Options }

// files returns the functions that read the tree.
func files(o Options) map[string]function.Function {
	t := tree{o}
	return map[string]function.Function{
		"file":             textFunc("path", t.text),
		"filebase64":       textFunc("path", t.base64),
		"filebase64sha256": t.digest(sha256.New, base64.StdEncoding.EncodeToString),
		"filebase64sha512": t.digest(sha512.New, base64.StdEncoding.EncodeToString),
		"fileexists":       t.exists(),
		"filemd5":          t.digest(md5.New, hex.EncodeToString),
		"fileset":          t.set(),
		"filesha1":         t.digest(sha1.New, hex.EncodeToString),
		"filesha256":       t.digest(sha256.New, hex.EncodeToString),
		"filesha512":       t.digest(sha512.New, hex.EncodeToString),
	}
}

// resolve turns a path as a module writes it, relative to the root module, into one of the tree.
func (t tree) resolve(p string) (string, error) {
	if t.FS == nil && t.Read == nil {
		return "", fmt.Errorf("%q cannot be read: no files are at hand", clip(p))
	}
	name := path.Join(t.Root, p)
	if inside, ok := t.anchored(p); ok {
		return inside, nil
	}
	if path.IsAbs(p) || strings.HasPrefix(p, "~") || !fs.ValidPath(name) {
		return "", fmt.Errorf("%q is outside of the tree that is scanned", clip(p))
	}
	return name, nil
}

// anchored returns the path of the tree that an absolute one names.
func (t tree) anchored(p string) (string, bool) {
	p = path.Clean(p)
	if t.Anchor == "" || p != t.Anchor && !strings.HasPrefix(p, t.Anchor+"/") {
		return "", false
	}
	name := path.Join(".", strings.TrimPrefix(p, t.Anchor))
	return name, fs.ValidPath(name)
}

// stat looks at a file of the tree without opening it, as opening a pipe would wait for ever.
func (t tree) stat(name string) (fs.FileInfo, error) {
	if t.Seen != nil {
		t.Seen(name)
	}
	if t.FS == nil {
		return nil, nil
	}
	return fs.Stat(t.FS, name)
}

// regular resolves p and makes sure that it is a regular file of at most most bytes.
func (t tree) regular(p string, most int64) (string, error) {
	name, err := t.resolve(p)
	if err != nil {
		return "", err
	}
	info, err := t.stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("no file exists at %q", clip(p))
	case err != nil:
		return "", fmt.Errorf("%q cannot be read: %w", clip(p), reason(err))
	case info == nil:
	case info.IsDir():
		return "", fmt.Errorf("%q is a directory, not a file", clip(p))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%q is not a regular file", clip(p))
	case info.Size() > most:
		return "", fmt.Errorf("%q has more than %d bytes", clip(p), most)
	}
	return name, nil
}

// reason takes the path off an error, which may be one of the machine.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// copy writes a file that regular has seen to w, and fails when it has grown beyond most bytes.
func (t tree) copy(w io.Writer, p string, most int64) error {
	name, err := t.regular(p, most)
	if err != nil {
		return err
	}
	var r io.Reader
	if t.FS == nil {
		b, err := t.Read(name)
		if err != nil {
			return t.unread(p, err)
		}
		r = strings.NewReader(string(b))
	} else {
		f, err := t.FS.Open(name)
		if err != nil {
			return t.unread(p, err)
		}
		defer f.Close()
		r = f
	}
	n, err := io.Copy(w, io.LimitReader(r, most+1))
	if err != nil {
		return t.unread(p, err)
	}
	if n > most {
		return fmt.Errorf("%q has more than %d bytes", clip(p), most)
	}
	return nil
}

func (t tree) unread(p string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no file exists at %q", clip(p))
	}
	return fmt.Errorf("%q cannot be read: %w", clip(p), reason(err))
}

func (t tree) text(p string) (string, error) {
	most := int64(t.ValueBytes)
	var text string
	if t.Read != nil {
		name, err := t.regular(p, most)
		if err != nil {
			return "", err
		}
		b, err := t.Read(name)
		if err != nil {
			return "", t.unread(p, err)
		}
		text = string(b)
	} else {
		var b strings.Builder
		if err := t.copy(&b, p, most); err != nil {
			return "", err
		}
		text = b.String()
	}
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("contents of %q are not valid UTF-8; use filebase64 for other bytes", clip(p))
	}
	return text, nil
}

func (t tree) base64(p string) (string, error) {
	var b strings.Builder
	w := base64.NewEncoder(base64.StdEncoding, &b)
	if err := t.copy(w, p, int64(t.ValueBytes)); err != nil {
		return "", err
	}
	err := w.Close() // writes the last bytes
	return b.String(), err
}

func (t tree) digest(h func() hash.Hash, encode func([]byte) string) function.Function {
	return textFunc("path", func(p string) (string, error) {
		sum := h()
		if err := t.copy(sum, p, maxHashed); err != nil {
			return "", err
		}
		return encode(sum.Sum(nil)), nil
	})
}

func (t tree) exists() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "path", Type: cty.String}},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			p := args[0].AsString()
			name, err := t.resolve(p)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			info, err := t.stat(name)
			if info == nil && err == nil { // nothing but Read to ask
				_, err = t.Read(name)
			}
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return cty.False, nil
			case err != nil:
				return cty.NilVal, function.NewArgErrorf(0, "failed to look at %q: %w", clip(p), reason(err))
			case info == nil || info.Mode().IsRegular():
				return cty.True, nil
			case info.IsDir():
				return cty.NilVal, function.NewArgErrorf(0, "%q is a directory, not a file", clip(p))
			}
			return cty.NilVal, function.NewArgErrorf(0, "%q is not a regular file", clip(p))
		},
	})
}

func (t tree) set() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
		Type:         function.StaticReturnType(cty.Set(cty.String)),
		RefineResult: notNull,
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			p, pattern := args[0].AsString(), args[1].AsString()
			base, err := t.resolve(p)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			full := path.Join(base, pattern)
			if !fs.ValidPath(full) {
				return cty.NilVal, function.NewArgErrorf(1, "%q is outside of the tree that is scanned", clip(pattern))
			}
			if t.FS == nil {
				return cty.NilVal, function.NewArgErrorf(0, "%q cannot be listed: no files are at hand", clip(p))
			}
			names, err := t.glob(base, full)
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "failed to glob pattern %q: %w", clip(pattern), err)
			}
			if len(names) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			out := make([]cty.Value, len(names))
			for i, name := range names {
				out[i] = cty.StringVal(relative(base, name))
			}
			return cty.SetVal(out), nil
		},
	})
}

// relative returns the way from directory base to name; both are clean paths of the tree.
func relative(base, name string) string {
	if base == "." {
		return name
	}
	from, to := strings.Split(base, "/"), strings.Split(name, "/")
	for len(from) > 0 && len(to) > 0 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	if len(from)+len(to) == 0 {
		return "."
	}
	return strings.Repeat("../", len(from)) + strings.Join(to, "/")
}
