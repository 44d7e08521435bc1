// Command demo makes git repositories with some history out of the estates of examples/, for a server to be tried on:
//
//	go run ./internal/demo examples DIR
//
// Each repository gets ten weeks of commits by several people: files arrive one by one, one is renamed, an old insecure file is
// partly mended and then removed, one branch writes every proved fix and another adds something new that is insecure. The
// default branch ends as the example is.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/cli"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/demo EXAMPLES DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run makes the repositories that are not there yet.
func run(examples, dir string, now time.Time) error {
	estates, err := os.ReadDir(examples)
	if err != nil {
		return fmt.Errorf("list the examples: %w", err)
	}
	for i, e := range estates {
		to := filepath.Join(dir, e.Name())
		if _, err := os.Stat(to); err == nil || !e.IsDir() {
			continue
		}
		h := &history{dir: to + ".new", at: now.AddDate(0, 0, -70).Add(time.Duration(i) * 7 * time.Hour)}
		if err := h.write(filepath.Join(examples, e.Name())); err != nil {
			return fmt.Errorf("make the repository of %s: %w", e.Name(), err)
		}
		if err := os.Rename(h.dir, to); err != nil {
			return fmt.Errorf("put the repository of %s in place: %w", e.Name(), err)
		}
	}
	return nil
}

// history is a repository that is being written.
type history struct {
	dir     string
	at      time.Time // of the next commit
	commits int
}

var people = []string{"Ada Moreau <ada@example.org>", "Kofi Brandt <kofi@example.org>", "Mei Tanaka <mei@example.org>", "Jonas Weil <jonas@example.org>"}

// legacy is the file that the history mends in part and then removes; the texts are its states.
var legacy = []string{`# The first environment, made by hand and brought under code later.
resource "aws_security_group" "bastion" {
  name = "old-bastion"
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_db_instance" "reports" {
  engine              = "postgres"
  instance_class      = "db.t4g.micro"
  publicly_accessible = true
  storage_encrypted   = false
}
`, `# The first environment, made by hand and brought under code later.
resource "aws_security_group" "bastion" {
  name = "old-bastion"
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
}

resource "aws_db_instance" "reports" {
  engine              = "postgres"
  instance_class      = "db.t4g.micro"
  publicly_accessible = false
  storage_encrypted   = true
}
`}

const uploads = `# Visitors send us their photographs here.
resource "aws_s3_bucket" "uploads" {
  bucket = "visitor-uploads"
}

resource "aws_s3_bucket_acl" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  acl    = "public-read-write"
}
`

func (h *history) write(example string) error {
	files, err := filesOf(example)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		return err
	}
	steps := []func() error{
		func() error { return h.git("init", "--quiet", "--initial-branch=main") },
		func() error {
			return h.commit("Begin", func() error { return h.put("README.md", "# "+filepath.Base(example)+"\n") })
		},
		func() error {
			return h.commit("Bring the first environment under code", func() error { return h.put("legacy/main.tf", legacy[0]) })
		},
	}
	renamed := slices.IndexFunc(files, func(name string) bool { return filepath.Dir(name) == "." && name != "README.md" })
	for i, name := range files {
		as := name
		if i == renamed {
			as = "first-" + name
		}
		steps = append(steps, func() error {
			return h.commit("Add "+name, func() error { return h.take(example, name, as) })
		})
		switch i {
		case len(files) / 2:
			steps = append(steps, func() error {
				return h.commit("Close the bastion, encrypt the reports", func() error { return h.put("legacy/main.tf", legacy[1]) })
			})
		case len(files) - 1:
			steps = append(steps, func() error {
				return h.commit("Rename first-"+files[renamed], func() error {
					return errors.Join(os.Remove(filepath.Join(h.dir, "first-"+files[renamed])), h.take(example, files[renamed], files[renamed]))
				})
			})
		}
	}
	steps = append(steps,
		func() error {
			return h.commit("Remove the first environment", func() error { return os.RemoveAll(filepath.Join(h.dir, "legacy")) })
		},
		func() error { return h.git("switch", "--quiet", "--create", "harden") },
		func() error { return h.commit("Write every proved fix", h.fix) },
		func() error { return h.git("switch", "--quiet", "--create", "visitor-uploads", "main") },
		func() error {
			return h.commit("Let visitors send photographs", func() error { return h.put("uploads/main.tf", uploads) })
		},
		func() error { return h.git("switch", "--quiet", "main") },
	)
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// filesOf lists the files of an example, without what only its tests need.
func filesOf(example string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(example, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "expected.txt" {
			return err
		}
		name, err := filepath.Rel(example, path)
		out = append(out, name)
		return err
	})
	slices.SortFunc(out, func(a, b string) int { // what lies deeper is used by what lies above: it comes first
		if d := strings.Count(b, "/") - strings.Count(a, "/"); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return out, err
}

func (h *history) take(example, name, as string) error {
	text, err := os.ReadFile(filepath.Join(example, name))
	if err != nil {
		return err
	}
	return h.put(as, string(text))
}

func (h *history) put(name, text string) error {
	to := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, []byte(text), 0o644)
}

// fix writes the proved fixes with the program itself.
func (h *history) fix() error {
	env := cli.Process()
	env.Dir, env.Out, env.Err = h.dir, devNull{}, devNull{}
	if code := cli.Main(context.Background(), []string{"fix", "--all", "--no-cache"}, env); code == cli.Failure || code == cli.Usage {
		return fmt.Errorf("plumbline fix ended with %d", code)
	}
	return nil
}

type devNull struct{}

func (devNull) Write(p []byte) (int, error) { return len(p), nil }

// commit makes one commit of what change does, some hours after the one before.
func (h *history) commit(subject string, change func() error) error {
	if err := change(); err != nil {
		return err
	}
	if err := h.git("add", "--all"); err != nil {
		return err
	}
	who := people[h.commits%len(people)]
	h.commits++
	h.at = h.at.Add(59*time.Hour + time.Duration(h.commits*37%600)*time.Minute)
	if latest := time.Now().Add(-time.Hour); h.at.After(latest) {
		h.at = latest.Add(time.Duration(h.commits) * time.Second)
	}
	return h.git("commit", "--quiet", "--allow-empty", "--message", subject, "--author", who, "--date", h.at.Format(time.RFC3339))
}

func (h *history) git(args ...string) error {
	cmd := exec.Command("git", args...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_COMMITTER_NAME=Demo", "GIT_COMMITTER_EMAIL=demo@example.org",
		"GIT_COMMITTER_DATE="+h.at.Format(time.RFC3339))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", args[0], err, out)
	}
	return nil
}
