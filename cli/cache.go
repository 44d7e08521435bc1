package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"plumbline.dev/plumbline/scan"
)

// cacheDir is where results are remembered: the folder that PLUMBLINE_CACHE names, else the user's own cache folder. It is
// never a folder of the scanned tree, because what it holds is believed.
func (c *call) cacheDir() string {
	if dir, ok := c.Lookup("PLUMBLINE_CACHE"); ok && filepath.IsAbs(dir) {
		return dir
	}
	if dir, ok := c.Lookup("XDG_CACHE_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "plumbline")
	}
	if home, ok := c.Lookup("HOME"); ok && filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "plumbline")
	}
	return ""
}

// openCache returns the cache of an estate, or nil when there is to be none.
func (c *call) openCache(e *estate, f *estateFlags, pages []fs.FS) *scan.Cache {
	dir := c.cacheDir()
	exe, err := os.Executable()
	if dir == "" || err != nil || f.noCache || e.config.Run.CacheOff || inside(e.tree.Dir, dir) {
		return nil
	}
	info, err := os.Stat(exe)
	if err != nil {
		return nil
	}
	salt := sha256.New()
	fmt.Fprintf(salt, "%s %d %d\n%s\n%q %q %q %q %q %q\n", version, info.Size(), info.ModTime().UnixNano(), e.tree.Dir,
		f.rules, f.frameworks, f.severity, f.exclude, e.options.Source, f.modules.mode)
	for _, v := range e.options.Vars {
		fmt.Fprintf(salt, "%q %q\n", v.Name, v.Value)
		if v.File != nil {
			fmt.Fprintf(salt, "%q %q\n", v.File.Path, v.File.Bytes)
		}
	}
	for _, tree := range pages {
		err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".md") {
				return err
			}
			text, err := fs.ReadFile(tree, path)
			fmt.Fprintf(salt, "%q %q\n", path, text)
			return err
		})
		if err != nil {
			return nil
		}
	}
	cache := &scan.Cache{Dir: dir, Salt: hex.EncodeToString(salt.Sum(nil))}
	cache.Prune(c.Now)
	return cache
}
