package mirror

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Entry is what lies at a path of a commit.
type Entry struct {
	Path   string
	Object string
	Mode   string // as git writes it: 100644, 100755, 120000 for a link, 160000 for a submodule, 040000 for a folder
	Size   int64  // of files; -1 when the content was left with the host because it is large
}

// checkPath refuses what is no path below the root of a tree.
func checkPath(path string) error {
	if path == "." || !fs.ValidPath(path) || !utf8.ValidString(path) || len(path) > 4096 || strings.ContainsRune(path, 0) {
		return fail(NotFound, "%q is not the path of a file", clip(path))
	}
	return nil
}

// Stat tells what lies at a path of a commit. Links are not followed.
func (m Mirror) Stat(ctx context.Context, commit, path string) (*Entry, error) {
	if err := errors.Join(checkCommit(commit), checkPath(path)); err != nil {
		return nil, first(checkCommit(commit), checkPath(path))
	}
	out, err := m.run(ctx, command{args: []string{"ls-tree", "-l", "-z", "--full-tree", commit, "--", path}})
	if err != nil {
		return nil, unlessSurroundings(err, fail(NotFound, "there is no commit %s", commit))
	}
	line, _, _ := strings.Cut(string(out), "\x00")
	meta, name, _ := strings.Cut(line, "\t")
	fields := strings.Fields(meta)
	if len(fields) != 4 || name != path {
		return nil, fail(NotFound, "there is no file %q in commit %.12s", clip(path), commit)
	}
	e := &Entry{Path: path, Mode: fields[0], Object: fields[2]}
	if e.Size, err = strconv.ParseInt(fields[3], 10, 64); err != nil {
		e.Size = -1
	}
	return e, nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// File is the content of a regular file of a commit: only what the commit itself holds, never what a link leads to. A file of
// more than limit bytes is an Error of kind TooLarge.
func (m Mirror) File(ctx context.Context, commit, path string, limit int64) ([]byte, error) {
	e, err := m.Stat(ctx, commit, path)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Mode == "120000":
		return nil, fail(NotFound, "%q is a symbolic link, and links are not followed", clip(path))
	case !strings.HasPrefix(e.Mode, "100"):
		return nil, fail(NotFound, "%q is not a file", clip(path))
	case e.Size < 0 || e.Size > limit:
		return nil, fail(TooLarge, "%q is larger than %d KiB", clip(path), limit>>10)
	}
	out, err := m.run(ctx, command{args: []string{"cat-file", "blob", e.Object}, most: int(limit) + 1})
	if err != nil {
		return nil, describe("read the file", err)
	}
	return out, nil
}

// Line is what Blame says of a line.
type Line struct {
	Commit  string
	Author  Person
	At      time.Time
	Subject string
	Path    string // of the file in that commit
	Line    int    // number of the line in that commit
}

// Blame tells which commit brought a line, given as it is numbered in a commit (from 1).
func (m Mirror) Blame(ctx context.Context, commit, path string, line int) (*Line, error) {
	if err := first(checkCommit(commit), checkPath(path)); err != nil {
		return nil, err
	}
	if line < 1 {
		return nil, fail(NotFound, "lines are numbered from 1")
	}
	n := strconv.Itoa(line)
	out, err := m.run(ctx, command{args: []string{"blame", "--porcelain", "-L", n + "," + n, commit, "--", path}, most: 1 << 20})
	if err != nil {
		return nil, unlessSurroundings(err, fail(NotFound, "there is no line %d of %q in commit %.12s", line, clip(path), commit))
	}
	l := &Line{Path: path}
	for i, row := range strings.Split(string(out), "\n") {
		key, value, _ := strings.Cut(row, " ")
		switch {
		case i == 0:
			l.Commit = key
			was, _, _ := strings.Cut(value, " ")
			l.Line, _ = strconv.Atoi(was)
		case strings.HasPrefix(row, "\t"):
			return l, nil // the text of the line
		case key == "author":
			l.Author.Name = text(value, 200)
		case key == "author-mail":
			l.Author.Email = text(strings.Trim(value, "<>"), 200)
		case key == "author-time":
			l.At = unix(value)
		case key == "summary":
			l.Subject = text(value, 500)
		case key == "filename":
			l.Path = strings.ToValidUTF8(value, "\uFFFD")
		}
	}
	return l, nil
}

// Diff is the change of a commit against its first parent, or against another commit, as a unified diff in valid UTF-8. Paths
// may name the files to show; none means all. Cut says that it was longer than limit bytes.
func (m Mirror) Diff(ctx context.Context, from, to string, paths []string, limit int) (diff string, cut bool, err error) {
	if err := checkCommit(to); err != nil {
		return "", false, err
	}
	args := []string{"show", "--format=", "--diff-merges=first-parent"}
	if from != "" {
		if err := checkCommit(from); err != nil {
			return "", false, err
		}
		args = []string{"diff"}
	}
	args = append(args, "--patch", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--full-index", "--ignore-submodules=none", "--src-prefix=a/", "--dst-prefix=b/", "--end-of-options")
	if from != "" {
		args = append(args, from)
	}
	args = append(args, to, "--")
	for _, p := range paths {
		if err := checkPath(p); err != nil {
			return "", false, err
		}
		args = append(args, p)
	}
	out := &bounded{left: limit}
	_, err = m.run(ctx, command{args: args, out: out})
	if err != nil && !out.full {
		return "", false, unlessSurroundings(err, fail(NotFound, "there is no commit %s", to))
	}
	return strings.ToValidUTF8(out.buffer.String(), "\uFFFD"), out.full, nil
}
