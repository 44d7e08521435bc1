package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/report"
)

// output is one report to write.
type output struct {
	format report.Format
	file   string   // empty for standard output
	root   *os.Root // of a file that the scanned tree's own settings name: it is not written outside of it
}

// showsFixes reports whether the format is for people who want to see fixes. Proving them costs several times the scan, so
// programs that read json ask for them.
func (o output) showsFixes() bool {
	return slices.Contains([]string{"text", "markdown", "html", "sarif", "gitlab-sast"}, o.format.Name)
}

// outputs reads --report, or the settings' reports when there is none; text on standard output is the default.
func (c *call) outputs(flags list, e *estate) ([]output, error) {
	var out []output
	for _, text := range flags {
		name, file, named := strings.Cut(text, "=")
		format, ok := report.Lookup(name)
		if !ok {
			return nil, &failed{Usage, fmt.Sprintf("--report: there is no format %q: use %s", name, formatNames()), didYouMean(config.Nearest(name, strings.Split(formatNames(), ", ")))}
		}
		if named && file == "" {
			return nil, usage("--report %s: name a file after the equals sign", text)
		}
		if file, err := c.destination(file); err != nil {
			return nil, usage("--report %s: %v", text, err)
		} else {
			out = append(out, output{format: format, file: file})
		}
	}
	if len(out) == 0 {
		for _, r := range e.config.Run.Reports {
			format, ok := report.Lookup(r.Format)
			if !ok {
				return nil, usage("the settings name a report format %q that does not exist", r.Format)
			}
			o := output{format: format}
			if r.File != "" {
				o.file, o.root = r.File, e.tree.root
			}
			out = append(out, o)
		}
	}
	if len(out) == 0 {
		text, _ := report.Lookup("text")
		out = []output{{format: text}}
	}
	stdout := 0
	for _, o := range out {
		if o.file == "" {
			stdout++
		}
	}
	if stdout > 1 {
		return nil, usage("only one report can go to standard output: write the others as FORMAT=FILE")
	}
	return out, nil
}

// destination is where a report that the command line names goes: an absolute path, or "" for standard output.
func (c *call) destination(file string) (string, error) {
	switch file {
	case "", "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return "", nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(c.Dir, file)
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return "", fmt.Errorf("%s is a folder", file)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return "", fmt.Errorf("there is no folder %s", filepath.Dir(file))
	}
	return file, nil
}

// write writes one report. What the scanned tree's own settings name follows no link; what the command line names is the
// user's, who may mean a pipe or a link.
func (c *call) write(o output, in report.Input, colour string) error {
	if o.file != "" {
		var b bytes.Buffer
		if err := o.format.Write(&b, in); err != nil {
			return fmt.Errorf("write the %s report: %w", o.format.Name, err)
		}
		if o.root != nil {
			return replaceInside(o.root, o.file, b.Bytes())
		}
		return c.writeFile(o.file, b.Bytes())
	}
	_, plain := c.Lookup("NO_COLOR")
	in.Width = c.Width
	in.Colour = colour == "always" || colour == "auto" && c.Width > 0 && !plain
	out := bufio.NewWriter(c.Out)
	if err := o.format.Write(out, in); err != nil {
		return fmt.Errorf("write the %s report: %w", o.format.Name, err)
	}
	return out.Flush()
}

// writeFile writes to a file that the user named. A regular file is replaced in one step, behind links as well; into
// anything else, a pipe, a terminal, /dev/fd/3, the content is written as it is.
func (c *call) writeFile(name string, content []byte) error {
	if name == "/dev/stderr" {
		_, err := c.Err.Write(content)
		return err
	}
	for _, prefix := range []string{"/dev/fd/", "/proc/self/fd/"} {
		number, ok := strings.CutPrefix(name, prefix)
		if fd, err := strconv.ParseUint(number, 10, 31); ok && err == nil {
			// Opening the name again would start at the beginning of what the shell opened for appending.
			return writeThrough(os.NewFile(uintptr(fd), name), content)
		}
	}
	name, err := followed(name)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, unwrapPath(err))
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("write %s: %w", name, unwrapPath(err))
		}
		return writeThrough(f, content)
	}
	return replaceFile(name, content)
}

func writeThrough(f *os.File, content []byte) error {
	_, err := f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.Name(), unwrapPath(err))
	}
	return nil
}

// followed is the name at the end of the links that start at name; what they lead to need not be there yet.
func followed(name string) (string, error) {
	for range 40 {
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			return name, nil
		} else if err != nil {
			return name, err
		}
		to, err := os.Readlink(name)
		if err != nil {
			return name, err
		}
		if !filepath.IsAbs(to) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(name)) // before ".." is taken out
			if err != nil {
				return name, err
			}
			to = filepath.Join(dir, to)
		}
		name = to
	}
	return name, errors.New("too many links")
}

// replaceFile writes a regular file in one step: whoever reads it sees the old or the new content.
func replaceFile(name string, content []byte) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".plumbline-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, unwrapPath(err))
	}
	_, err = f.Write(content)
	chmod, closed := f.Chmod(mode), f.Close()
	err = cmp.Or(err, chmod, closed)
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, unwrapPath(err))
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
		root.Remove(next)
		return fmt.Errorf("write %s: %w", name, unwrapPath(err))
	}
	return nil
}
