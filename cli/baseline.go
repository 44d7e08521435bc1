package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/source"
)

var baselineCommand = func() *command {
	var f estateFlags
	var out string
	return &command{
		name:    "baseline",
		args:    "[PATH ...]",
		summary: "Accept today's findings, so that only new ones are reported",
		long: `
Writes a file with every finding of today. Name it in the settings (baseline: .plumbline-baseline.json) or with
scan --baseline; what it knows is marked as suppressed, and entries that no longer occur are reported so that it shrinks.
With paths, --rule, --framework, --severity or --exclude only what they choose is written anew; the rest of the file stays.`,
		flags: func(c *call) {
			f = estateFlags{}
			f.declare(c)
			f.declareRules(c)
			c.set.StringVar(&out, "output", "", "write to `FILE` instead of the settings' baseline or "+scan.BaselineFile)
		},
		run: func(ctx context.Context, c *call) error {
			e, err := c.openEstate(ctx, &f, c.args)
			if err != nil {
				return err
			}
			defer e.Close()
			o := e.options
			o.Decide.Baseline = nil // yesterday's is replaced
			result, err := scan.Run(ctx, o)
			if err != nil {
				return err
			}
			accepted := result.Report.Findings
			if e.config.For(e.tree.Paths[0]).Undecided == config.FailUndecided {
				accepted = slices.Concat(accepted, result.Report.Undecided)
			}
			to := &baselineFile{call: c, estate: e, name: cmp.Or(e.config.Run.Baseline, scan.BaselineFile)}
			if out != "" {
				to.named = out
				if !filepath.IsAbs(out) {
					to.named = filepath.Join(c.Dir, out)
				}
			}
			b := scan.NewBaseline(accepted)
			found := len(b.Entries)
			if err := to.keepOthers(b); err != nil {
				return err
			}
			if err := to.write(b); err != nil {
				return err
			}
			kept := ""
			if n := len(b.Entries) - found; n > 0 {
				kept = fmt.Sprintf(", and kept %d of other rules or paths", n)
			}
			if _, err = fmt.Fprintf(c.Out, "wrote %s with %s%s\n", to, plural(found, "finding"), kept); err != nil {
				return err
			}
			if e.config.Run.Baseline != "" && to.named == "" {
				return nil // every scan reads it
			}
			name := to.named
			if name == "" {
				name = filepath.FromSlash(e.tree.shown(to.name))
			}
			_, err = fmt.Fprintf(c.Out, "a scan reads it with --baseline %s, or when the settings name it (baseline: FILE)\n", name)
			return err
		},
	}
}()

// baselineFile is where a baseline is written: below the tree, where no link is followed out, or where the user said.
type baselineFile struct {
	call   *call
	estate *estate
	name   string // path of the tree
	named  string // absolute path; empty when the user named none
}

func (f *baselineFile) String() string {
	if f.named != "" {
		return f.named
	}
	return filepath.Join(f.estate.tree.Dir, filepath.FromSlash(f.name))
}

// keepOthers adds what the file accepts outside of what was chosen now: findings of rules that did not run, and in paths
// that were not looked at.
func (f *baselineFile) keepOthers(b *scan.Baseline) error {
	o := &f.estate.options
	chosen := func(e scan.BaselineEntry) bool {
		if o.Exclude(e.Path) || !slices.ContainsFunc(o.Dirs, func(d string) bool { return d == "." || e.Path == d || strings.HasPrefix(e.Path, d+"/") }) {
			return false
		}
		if o.Only == nil {
			return true
		}
		r := o.Rules.Rule(e.Rule)
		return r != nil && o.Only(r)
	}
	var text []byte
	var err error
	if f.named != "" {
		text, err = os.ReadFile(f.named)
	} else {
		text, err = fs.ReadFile(o.FS, f.name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return usage("%s cannot be read: %v", f, unwrapPath(err))
	}
	old, err := scan.ReadBaseline(&source.File{Path: f.String(), Bytes: text})
	if err != nil {
		return &failed{Usage, err.Error(), "remove it, or name another file with --output"}
	}
	for _, e := range old.Entries {
		if !chosen(e) {
			b.Entries = append(b.Entries, e)
		}
	}
	b.Sort()
	return nil
}

func (f *baselineFile) write(b *scan.Baseline) error {
	var text bytes.Buffer
	if err := b.Write(&text); err != nil {
		return err
	}
	if f.named != "" {
		return f.call.writeFile(f.named, text.Bytes())
	}
	return replaceInside(f.estate.tree.root, f.name, text.Bytes())
}

// plural counts things whose name takes an s.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
