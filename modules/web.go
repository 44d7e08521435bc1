package modules

import (
	"bytes"
	"context"
	"crypto/sha256"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// web fetches an archive, or asks a page where the module is.
func (f *Fetcher) web(ctx context.Context, a *address, hops int) (entry, error) {
	if a.archive == "" {
		return f.page(ctx, a, hops)
	}
	key := "archive " + a.url.String() + " " + a.archive
	if a.sum != nil {
		key += " " + a.sum.text
	}
	known, have := f.store.find(key)
	if have && a.sum != nil {
		return f.placed(known, a.subdir)
	}
	if f.offline {
		return entry{}, f.notCached(a)
	}
	response, err := f.client.get(ctx, request{url: a.url, etag: known.Etag})
	if err != nil {
		return entry{}, err
	}
	defer response.Body.Close()
	if have && response.StatusCode == http.StatusNotModified {
		return f.placed(known, a.subdir)
	}
	if response.StatusCode != http.StatusOK {
		return entry{}, refused(response, "the archive", withLogin(response))
	}
	f.say("fetching " + a.shown())
	tree, err := f.unpack(ctx, a, response)
	if err != nil {
		return entry{}, err
	}
	e := entry{Tree: tree, Etag: response.Header.Get("Etag")}
	f.store.note(key, e)
	return f.placed(e, a.subdir)
}

// unpack stores the archive of a response.
func (f *Fetcher) unpack(ctx context.Context, a *address, response *http.Response) (string, error) {
	work, done, err := f.store.work()
	if err != nil {
		return "", err
	}
	defer done()
	file, err := os.Create(filepath.Join(work, "archive"))
	if err != nil {
		return "", reason(err)
	}
	defer file.Close()
	sum := a.sum
	if sum == nil {
		sum = &checksum{new: sha256.New}
	}
	h := sum.new()
	n, err := io.Copy(io.MultiWriter(file, h), io.LimitReader(response.Body, f.limits.Archive+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return "", failure("%s could not be asked: %v", a.url.Host, cause(ctx))
	case err != nil:
		return "", failure("%s broke off its answer: %v", a.url.Host, plain(err))
	case n > f.limits.Archive:
		return "", exceeded("the archive has more than %d MiB", f.limits.Archive>>20)
	case sum.want != nil && !bytes.Equal(h.Sum(nil), sum.want):
		return "", failure("the archive is refused: its checksum is not %s", sum.text)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", reason(err)
	}
	u, err := f.store.unpacking(ctx, work, f.limits)
	if err != nil {
		return "", err
	}
	defer u.root.Close()
	if err := u.archive(file, a.archive); err != nil {
		return "", err
	}
	if err := u.finish(); err != nil {
		return "", err
	}
	return f.store.keep(u)
}

// maxPage bounds what is read of a page that tells where a module is.
const maxPage = 256 << 10

var (
	metaTag     = lazy(`(?is)<meta\s[^>]*>`)
	metaName    = lazy(`(?is)\bname\s*=\s*["']?terraform-get["'\s/>]`)
	metaContent = lazy(`(?is)\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)')`)
)

// page asks an address that is no archive where the module is: its X-Terraform-Get header or meta element says so.
func (f *Fetcher) page(ctx context.Context, a *address, hops int) (entry, error) {
	if f.offline {
		return entry{}, f.notCached(a)
	}
	ask := *a.url
	query := ask.Query()
	query.Set("terraform-get", "1")
	ask.RawQuery = query.Encode()
	response, err := f.client.get(ctx, request{url: &ask})
	if err != nil {
		return entry{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return entry{}, refused(response, "the module", withLogin(response))
	}
	to := response.Header.Get("X-Terraform-Get")
	if to == "" {
		body, err := read(response, maxPage)
		if err != nil {
			return entry{}, err
		}
		for _, tag := range metaTag().FindAll(body, 200) {
			if m := metaContent().FindSubmatch(tag); m != nil && metaName().Match(tag) && to == "" {
				to = html.UnescapeString(string(m[1]) + string(m[2]))
			}
		}
	}
	if to == "" {
		return entry{}, failure("%s is neither an archive (%s) nor does it tell where the module is; a git repository is written git::%s", hide(a.url), strings.Join(archives, ", "), hide(a.url))
	}
	return f.onward(ctx, onward{from: response.Request.URL, to: to, subdir: a.subdir, hops: hops})
}

// maxOnward is how often a module may be said to be elsewhere.
const maxOnward = 3

// onward is where a server says that a module is.
type onward struct {
	from   *url.URL // that said so; relative addresses lead from it
	to     string
	subdir string // of the module in the package that is told of
	hops   int
}

// onward fetches from where a server says that a module is. Only addresses on the net are followed, never paths of this machine.
func (f *Fetcher) onward(ctx context.Context, o onward) (entry, error) {
	if o.hops >= maxOnward {
		return entry{}, failure("%s sends from place to place", o.from.Host)
	}
	to := strings.TrimSpace(o.to)
	if strings.HasPrefix(to, "/") || strings.HasPrefix(to, "./") || strings.HasPrefix(to, "../") {
		place, subdir, query := cut(to)
		u, err := o.from.Parse(place)
		if err != nil {
			return entry{}, failure("%s says that the module is at %q, which is not understood", o.from.Host, clip(to))
		}
		u.RawQuery = ""
		to = u.String()
		if subdir != "" {
			to += "//" + subdir
		}
		if query != "" {
			to += "?" + query
		}
	}
	a, err := parseRemote(to)
	if err != nil {
		return entry{}, failure("%s says where the module is, and that is not followed: %v", o.from.Host, err)
	}
	if a.kind == fromGit && a.url.Scheme == "file" {
		return entry{}, failure("%s says that the module is on this machine, which is not followed", o.from.Host)
	}
	a.subdir = path.Join(a.subdir, o.subdir)
	if a.kind == fromGit {
		return f.git(ctx, a)
	}
	return f.web(ctx, a, o.hops+1)
}
