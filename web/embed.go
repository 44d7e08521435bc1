// Package web is the user interface: TypeScript sources, built by npm into dist, which the program carries inside.
//
// The built files are not committed. A program that was built without them serves the API alone, and says so at its root.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the built interface, index.html at its root, and whether there is one: false when the program was built
// without running npm before. The names under assets/ hold a hash of their content and may be cached for ever; index.html may not.
func Files() (fs.FS, bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, false
	}
	return files, built(files)
}

// built says whether files hold an interface and not only the folder that stands in for one.
func built(files fs.FS) bool {
	s, err := fs.Stat(files, "index.html")
	return err == nil && s.Mode().IsRegular()
}
