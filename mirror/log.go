package mirror

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"plumbline.dev/plumbline/seal"
)

// Branch is a branch of a mirror.
type Branch struct {
	Name string // main, feature/x
	Head string // id of its newest commit
	At   time.Time
}

// MaxBranches is the most branches that Branches lists.
const MaxBranches = 20_000

// Branches lists the branches, the newest first. More says that there are more than MaxBranches; the oldest are left out then.
func (m Mirror) Branches(ctx context.Context) (list []Branch, more bool, err error) {
	out, err := m.run(ctx, command{args: []string{"for-each-ref", "--sort=-committerdate", "--count=" + strconv.Itoa(MaxBranches+1),
		"--format=%(objectname)%00%(objecttype)%00%(committerdate:unix)%00%(refname)", "refs/heads/"}, most: 64 << 20})
	if err != nil {
		return nil, false, describe("list the branches", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\x00")
		if len(fields) != 4 || fields[1] != "commit" || !IsCommit(fields[0]) {
			continue // a branch that is a tag or a file is none
		}
		name := strings.TrimPrefix(fields[3], "refs/heads/")
		if !utf8.ValidString(name) {
			continue // nobody could ask for it
		}
		list = append(list, Branch{Name: name, Head: fields[0], At: unix(fields[2])})
	}
	if len(list) > MaxBranches {
		list, more = list[:MaxBranches], true
	}
	return list, more, nil
}

func unix(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// Default is the name of the default branch: what the host said, or else main, master or the newest. An empty repository has
// none, which is an Error of kind NotFound.
func (m Mirror) Default(ctx context.Context) (string, error) {
	if out, err := m.run(ctx, command{args: []string{"symbolic-ref", "--quiet", "HEAD"}}); err == nil {
		if name, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "refs/heads/"); ok {
			if _, err := m.Head(ctx, name); err == nil {
				return name, nil
			}
		}
	}
	list, _, err := m.Branches(ctx)
	if err != nil {
		return "", err
	}
	for _, name := range []string{"main", "master"} {
		for _, b := range list {
			if b.Name == name {
				return name, nil
			}
		}
	}
	if len(list) == 0 {
		return "", fail(NotFound, "the repository has no branches yet")
	}
	return list[0].Name, nil
}

// Head is the id of the newest commit of a branch. A branch that there is not is an Error of kind NotFound.
func (m Mirror) Head(ctx context.Context, branch string) (string, error) {
	gone := fail(NotFound, "there is no branch %q", clip(branch))
	if branch == "" || len(branch) > 1000 || strings.ContainsAny(branch, "\x00\n ~^:?*[\\") || strings.Contains(branch, "..") || strings.Contains(branch, "@{") {
		return "", gone // no name of a branch, but perhaps an expression of git's
	}
	out, err := m.run(ctx, command{args: []string{"rev-parse", "--verify", "--quiet", "--end-of-options", "refs/heads/" + branch + "^{commit}"}})
	if err != nil {
		return "", unlessSurroundings(err, gone)
	}
	return strings.TrimSpace(string(out)), nil
}

// Commit is a commit with what it changed against its first parent.
type Commit struct {
	ID      string
	Parents []string
	Author  Person
	At      time.Time // of the author
	Landed  time.Time // of the committer
	Subject string    // the first line, at most 500 bytes
	Changed []string  // paths that were added, changed or removed; both of a renamed file
	Cut     bool      // Changed is not complete: there are more than MaxChanged
}

// Person is who made a commit, as the commit says: nobody checked it.
type Person struct {
	Name  string
	Email string
}

// MaxChanged is the most paths that a Commit names.
const MaxChanged = 20_000

// Range chooses commits: those that can be reached from To and from none of Not.
type Range struct {
	To          string   // complete id
	Not         []string // complete ids; those that the mirror does not have are left out
	Most        int      // the newest so many; 0 means 10,000
	FirstParent bool     // only the line of first parents: what happened on the branch itself
}

// Commits lists commits, parents before children.
func (m Mirror) Commits(ctx context.Context, r Range) ([]Commit, error) {
	if err := checkCommit(r.To); err != nil {
		return nil, err
	}
	if r.Most <= 0 {
		r.Most = 10_000
	}
	not, err := m.Have(ctx, r.Not)
	if err != nil {
		return nil, err
	}
	in := []string{r.To}
	for _, id := range not {
		in = append(in, "^"+id)
	}
	args := []string{"log", "--stdin", "--topo-order", "--reverse", "--max-count=" + strconv.Itoa(r.Most), "--raw", "-z", "--no-renames", "--no-abbrev",
		"--diff-merges=first-parent", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-notes", "--no-mailmap", "--encoding=UTF-8",
		"--ignore-submodules=none", "--format=%x01%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%s%x00"}
	if r.FirstParent {
		args = append(args, "--first-parent")
	}
	out := &commits{}
	_, err = m.run(ctx, command{args: args, in: strings.NewReader(strings.Join(in, "\n") + "\n"), out: out, time: 5 * time.Minute})
	if err != nil {
		return nil, describe("list the commits", err)
	}
	out.flush()
	return out.list, nil
}

// commits reads the output of git log while it comes, so that it is never in memory as a whole: a record is seven fields,
// then pairs of a change and its path, each ended by a zero byte.
type commits struct {
	list   []Commit
	rest   []byte
	fields []string // of the commit that is being read
	change bool     // the next word is the path of a change
}

// Write takes a piece of output.
func (c *commits) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for {
		word, rest, ok := bytes.Cut(c.rest, []byte{0})
		if !ok {
			if len(c.rest) > 1<<20 {
				return 0, errors.New("git answers a line of more than 1 MiB")
			}
			return len(p), nil
		}
		c.rest = rest
		c.word(string(word))
	}
}

func (c *commits) word(w string) {
	w = strings.TrimPrefix(w, "\n")
	switch {
	case c.change:
		c.change = false
		at := &c.list[len(c.list)-1]
		if at.Cut = at.Cut || len(at.Changed) == MaxChanged; !at.Cut && utf8.ValidString(w) {
			at.Changed = append(at.Changed, w)
		}
	case c.fields == nil && strings.HasPrefix(w, ":"):
		c.change = len(c.list) > 0
	case c.fields == nil && strings.HasPrefix(w, "\x01"):
		c.fields = []string{w[1:]}
	case c.fields != nil:
		c.fields = append(c.fields, w)
		c.flush()
	}
}

// flush ends the commit that is being read, when it is complete.
func (c *commits) flush() {
	f := c.fields
	if len(f) != 7 {
		return
	}
	c.fields = nil
	commit := Commit{ID: f[0], Parents: strings.Fields(f[1]), Author: Person{text(f[2], 200), text(f[3], 200)}, At: unix(f[4]), Landed: unix(f[5]), Subject: text(f[6], 500)}
	c.list = append(c.list, commit)
}

// text makes a field of a commit valid UTF-8 of a bounded length.
func text(s string, most int) string {
	s = seal.Redact(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// Have returns those of some ids that are commits of the mirror.
func (m Mirror) Have(ctx context.Context, ids []string) ([]string, error) {
	var ask []string
	for _, id := range ids {
		if IsCommit(id) {
			ask = append(ask, id)
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	out, err := m.run(ctx, command{args: []string{"cat-file", "--batch-check=%(objectname) %(objecttype)"}, in: strings.NewReader(strings.Join(ask, "\n") + "\n"), most: 64 << 20})
	if err != nil {
		return nil, describe("look for commits", err)
	}
	var have []string
	for line := range strings.Lines(string(out)) {
		if id, kind, _ := strings.Cut(strings.TrimSpace(line), " "); kind == "commit" {
			have = append(have, id)
		}
	}
	return have, nil
}

// MergeBase is the newest commit that both reach; empty when they have no common history.
func (m Mirror) MergeBase(ctx context.Context, a, b string) (string, error) {
	if err := errors.Join(checkCommit(a), checkCommit(b)); err != nil {
		return "", err
	}
	out, err := m.run(ctx, command{args: []string{"merge-base", "--end-of-options", a, b}})
	if said, ok := errors.AsType[*complained](err); ok && said.text == "" {
		return "", nil
	}
	if err != nil {
		return "", describe("find the common commit", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// unlessSurroundings replaces what git complained of by an error for people; other errors are kept.
func unlessSurroundings(err, instead error) error {
	if _, ok := errors.AsType[*complained](err); ok {
		return instead
	}
	return err
}

// describe says what was being done.
func describe(doing string, err error) error {
	if said, ok := errors.AsType[*complained](err); ok {
		return fail(Broken, "git cannot %s: %s", doing, lastWords(said.text))
	}
	return err
}
