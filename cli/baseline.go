package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/scan"
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
scan --baseline; what it knows is marked as suppressed, and entries that no longer occur are reported so that it shrinks.`,
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
			name := filepath.Join(e.tree.Dir, scan.BaselineFile)
			if e.config.Run.Baseline != "" {
				name = filepath.Join(e.tree.Dir, filepath.FromSlash(e.config.Run.Baseline))
			}
			if out != "" {
				name = out
				if !filepath.IsAbs(out) {
					name = filepath.Join(c.Dir, out)
				}
			}
			b := scan.NewBaseline(accepted)
			var text bytes.Buffer
			if err := b.Write(&text); err != nil {
				return err
			}
			if err := replaceFile(name, text.Bytes()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.Out, "wrote %s with %d findings\n", name, len(b.Entries))
			return err
		},
	}
}()

// replaceFile writes a file in one step: whoever reads it sees the old or the new content.
func replaceFile(name string, content []byte) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".plumbline-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// replaceInside does the same below a root that no link leads out of.
func replaceInside(root *os.Root, name string, content []byte) error {
	next := name + ".plumbline-new"
	err := root.WriteFile(next, content, 0o644)
	if err == nil {
		err = root.Rename(next, name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
