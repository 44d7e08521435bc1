package cli

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"testing/fstest"

	"plumbline.dev/plumbline/internal/ruletest"
	"plumbline.dev/plumbline/rules"
)

var testCommand = &command{
	name:    "test",
	args:    "[FOLDER|PAGE ...]",
	summary: "Run rule pages as tests",
	long: `
Runs every page in the folders (all *.md but README.md), the pages named, or in the folders that rule-pages in the settings names: what a page shows as flagged must be
flagged at the lines marked with "# want", what it shows as not flagged must pass, and fixes must write what it shows.
Exit code 1 when a page is wrong.`,
	run: func(ctx context.Context, c *call) error {
		e, err := c.openEstate(ctx, &estateFlags{anyPages: true}, nil)
		if err != nil {
			return err
		}
		defer e.Close()
		folders := c.args
		if len(folders) == 0 {
			for _, dir := range e.config.Run.RulePages {
				folders = append(folders, filepath.Join(e.tree.Dir, filepath.FromSlash(dir)))
			}
		}
		if len(folders) == 0 {
			return &failed{Usage, "there is nothing to test: name a folder with rule pages", "or name it in the settings: rule-pages: [rules]"}
		}
		o := ruletest.Options{Schema: e.schema, Dialects: e.options.Dialects, Control: rules.HasControl, Fixes: true}
		pages, wrong := 0, 0
		for _, folder := range folders {
			dir := folder
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(c.Dir, dir)
			}
			tree, within := os.DirFS(dir), folder
			if info, err := os.Stat(dir); err == nil && !info.IsDir() {
				text, err := os.ReadFile(dir)
				if err != nil {
					return usage("%s cannot be read: %v", folder, unwrapPath(err))
				}
				tree, within = fstest.MapFS{filepath.Base(dir): &fstest.MapFile{Data: text}}, filepath.Dir(folder)
			}
			names, err := ruletest.Names(tree)
			if err != nil {
				return usage("%s cannot be read: %v", folder, unwrapPath(err))
			}
			results, err := ruletest.Run(ctx, tree, o)
			if err != nil {
				return fmt.Errorf("test %s: %w", folder, err)
			}
			pages += len(names)
			wrong += len(results)
			for _, r := range results {
				r.Page = path.Join(filepath.ToSlash(within), r.Page)
				fmt.Fprintln(c.Out, r)
			}
		}
		if pages == 0 {
			return usage("there are no rule pages in %v", folders)
		}
		if wrong > 0 {
			return &failed{code: Found, text: fmt.Sprintf("%d mistakes in %d pages", wrong, pages)}
		}
		_, err = fmt.Fprintf(c.Out, "%d pages hold\n", pages)
		return err
	},
}
