package scan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
)

// Cache remembers on disk what units gave and which fixes were offered for them, so that the next scan costs what changed.
//
// An entry is found by what the user asked for and by the unit's name, and it holds when everything that evaluation read,
// by content, is as it was: files, files that were looked for and not there, listed directories, environment; and the names of
// the files that its dialect has around it (given.go). Entries are written in one step and only ever read whole; any number of
// processes may share a cache, and it may be lost at any time.
type Cache struct {
	Dir  string // an absolute path that nobody else can write to: what it holds is believed
	Salt string // everything besides the tree that results depend on: the program, the choice of rules, users' pages, inputs
}

// cached is one entry: what a unit gave when its reads had this digest.
type cached struct {
	Reads  dialect.Reads
	Calls  []dialect.ModuleSource // modules that were asked for
	Digest string
	Result unitResult
}

// cachedOffers is the fixes that were offered for the findings of a directory.
type cachedOffers struct {
	Edited   []string          // the files that the fixes edit, also those that did not hold
	Watchers map[string]string // the directory's own units and every other one that reads an edited file, with the digests of what they read
	Asked    map[string]bool   // the findings that fixes were tried for
	Offers   []cachedOffer
}

type cachedOffer struct {
	Rule    string
	Address string
	Fix     finding.Fix
}

// cacheAge is how long an entry is kept after it was written.
const cacheAge = 30 * 24 * time.Hour

// path returns the file of a key. Nothing but hashes becomes part of a name.
func (c *Cache) path(key ...string) string {
	name := hash(append([]string{c.Salt}, key...)...)
	return filepath.Join(c.Dir, name[:2], name[2:])
}

// load reads an entry; anything that cannot be read or understood is no entry.
func (c *Cache) load(into any, key ...string) bool {
	text, err := os.ReadFile(c.path(key...))
	return err == nil && json.Unmarshal(text, into) == nil
}

// store writes an entry. A cache that cannot be written is only slower, so errors are dropped.
func (c *Cache) store(entry any, key ...string) {
	text, err := json.Marshal(entry)
	if err != nil {
		return
	}
	name := c.path(key...)
	if os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(name), "new-*")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), name) != nil {
		os.Remove(f.Name())
	}
}

// Prune removes what is older than a month, at most once a day. Folders that hold no entries are left alone.
func (c *Cache) Prune(now time.Time) {
	mark := filepath.Join(c.Dir, "pruned")
	if info, err := os.Stat(mark); err == nil && now.Sub(info.ModTime()) < 24*time.Hour {
		return
	}
	if os.MkdirAll(c.Dir, 0o700) != nil || os.WriteFile(mark, nil, 0o600) != nil {
		return
	}
	filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != c.Dir && len(d.Name()) != 2 {
			return filepath.SkipDir
		}
		if err == nil && d.Type().IsRegular() && path != mark {
			if info, err := d.Info(); err == nil && now.Sub(info.ModTime()) > cacheAge {
				os.Remove(path)
			}
		}
		return nil
	})
}

// hash is a digest of texts that no other texts have.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		for i := range n {
			n[i] = byte(len(p) >> (8 * i))
		}
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// digest sums up everything that an evaluation read as it is now, what its dialect has around it, and where the modules are that
// it asked for: those are asked for again, because a branch may have moved and a host may be back. They come first, so that their
// files are there.
func (s *scan) digest(ctx context.Context, u *unitResult) string {
	r, calls := u.reads, u.calls
	parts := make([]string, 0, 2*(len(r.Files)+len(r.Dirs)+len(r.Env))+4*len(calls)+6)
	if len(calls) > 0 {
		parts = append(parts, "modules")
		for _, m := range calls {
			dir, problem := s.Modules(ctx, m)
			if problem != nil {
				dir = "problem " + problem.Message
			}
			parts = append(parts, m.Source, m.Version, m.Root, dir)
		}
	}
	parts = append(parts, "given", u.given.around(u.name, u.estate, r), "files")
	for _, name := range r.Files {
		parts = append(parts, name, s.contentHash(name))
	}
	parts = append(parts, "directories")
	for _, name := range r.Dirs {
		parts = append(parts, name, s.listingHash(name))
	}
	parts = append(parts, "environment")
	for _, name := range r.Env {
		v, ok := s.Env(name)
		if !ok {
			v = "\x00unset"
		}
		parts = append(parts, name, v)
	}
	return hash(parts...)
}

func (s *scan) contentHash(name string) string {
	if h, ok := s.hashes.Load(name); ok {
		return h.(string)
	}
	f, problem := s.reader.Read(name)
	h := ""
	if problem != nil {
		h = hash("problem", problem.Message, s.raw(name))
	} else {
		h = hash("content", string(f.Bytes))
	}
	s.hashes.Store(name, h)
	return h
}

// raw returns the bytes of a file that is no text: an archive that a dialect unpacks. Of a large one, of a directory and of what is not
// there it returns nothing.
func (s *scan) raw(name string) string {
	const most = 64 << 20
	info, err := fs.Stat(s.FS, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > most {
		return ""
	}
	f, err := s.FS.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return ""
	}
	return string(content)
}

func (s *scan) listingHash(name string) string {
	key := name + "\x00listing"
	if h, ok := s.hashes.Load(key); ok {
		return h.(string)
	}
	entries, err := fs.ReadDir(s.FS, name)
	parts := []string{"listing"}
	if err != nil {
		parts = append(parts, "unreadable")
	}
	for _, e := range entries {
		parts = append(parts, e.Name(), e.Type().String())
	}
	h := hash(parts...)
	s.hashes.Store(key, h)
	return h
}

// settingsHash sums up the settings files, which results depend on.
func (s *scan) settingsHash() string {
	parts := []string{"settings"}
	for _, name := range s.Config.Files() {
		parts = append(parts, name, s.contentHash(name))
	}
	return hash(parts...)
}

// unitKey is what the entry of a unit is found by. Units of several dialects may have the same name.
func (s *scan) unitKey(kind, dialect string, name dialect.UnitName) []string {
	return []string{kind, s.basis, strconv.FormatBool(s.Fixes), dialect, name.Dir, name.Variant}
}

// remembered returns what a unit gave before, when nothing that it read has changed. Of u it looks at what unit it is.
func (s *scan) remembered(ctx context.Context, u *unitResult) *unitResult {
	if s.Cache == nil {
		return nil
	}
	var c cached
	if !s.Cache.load(&c, s.unitKey("unit", u.given.dialect, u.name)...) || len(c.Calls) > 0 && s.Modules == nil {
		return nil
	}
	c.Result.name, c.Result.estate, c.Result.given = u.name, u.estate, u.given
	c.Result.reads, c.Result.calls, c.Result.digest = c.Reads, c.Calls, c.Digest
	if c.Digest != s.digest(ctx, &c.Result) {
		return nil
	}
	return &c.Result
}

// remember keeps what a unit gave.
func (s *scan) remember(ctx context.Context, r *unitResult) {
	if s.Cache == nil {
		return
	}
	r.digest = s.digest(ctx, r)
	s.Cache.store(cached{r.reads, r.calls, r.digest, *r}, s.unitKey("unit", r.given.dialect, r.name)...)
}

// read reports whether a unit read a file, or looked for it.
func (r *unitResult) read(file string) bool {
	_, ok := slices.BinarySearch(r.reads.Files, file)
	return ok
}

// watchers returns the units of a directory and those that read one of the files, with the digests of what they read.
func watchers(dir string, files []string, units []*unitResult) map[string]string {
	out := make(map[string]string)
	for _, u := range units {
		if u.name.Dir == dir || slices.ContainsFunc(files, u.read) {
			out[u.given.dialect+"\x00"+u.name.Dir+"\x00"+u.name.Variant] = u.digest
		}
	}
	return out
}

// asking names a finding within its directory.
func asking(f *finding.Finding) string { return f.Rule + "\x00" + f.Resource.Address }

// offered returns what was offered before for the findings of a directory, when that still holds.
func (s *scan) offered(dir string, findings []finding.Finding, units []*unitResult) ([]cachedOffer, bool) {
	var c cachedOffers
	known := false
	if s.series != nil {
		c, known = s.series.offers[dir]
	}
	if !known && s.Cache != nil {
		known = s.Cache.load(&c, s.offersKey(dir)...)
	}
	if !known ||
		!maps.Equal(c.Watchers, watchers(dir, c.Edited, units)) ||
		slices.ContainsFunc(findings, func(f finding.Finding) bool { return !c.Asked[asking(&f)] }) {
		return nil, false
	}
	return c.Offers, true
}

// offersKey is the key of a directory's offers. What comments suppress withholds offers.
func (s *scan) offersKey(dir string) []string {
	kind := "offers"
	if s.Decide.NoInline {
		kind = "offers without inline suppressions"
	}
	return s.unitKey(kind, "", dialect.UnitName{Dir: dir})
}

// rememberOffers keeps what was offered for a directory.
func (s *scan) rememberOffers(dir string, c cachedOffers, findings []finding.Finding, units []*unitResult) {
	if s.Cache == nil && s.series == nil {
		return
	}
	slices.Sort(c.Edited)
	c.Edited = slices.Compact(c.Edited)
	c.Watchers = watchers(dir, c.Edited, units)
	c.Asked = make(map[string]bool)
	for i := range findings {
		if findings[i].Resource.Unit == dir {
			c.Asked[asking(&findings[i])] = true
		}
	}
	s.series.offer(dir, c)
	if s.Cache != nil {
		s.Cache.store(c, s.offersKey(dir)...)
	}
}
