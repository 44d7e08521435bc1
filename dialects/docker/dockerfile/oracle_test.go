package dockerfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// ours and theirs list the instructions of a file: keyword, how many flags, the joined text and the here-documents.
func ours(f *file) []string {
	var out []string
	for i := range f.instructions {
		in := &f.instructions[i]
		var docs []string
		for _, h := range in.heredocs {
			docs = append(docs, h.name+":"+string(f.Bytes[h.body.start:h.body.end]))
		}
		out = append(out, fmt.Sprintf("%s %d %q %q", in.keyword, len(in.flags), in.text.text, docs))
	}
	return out
}

func theirs(text []byte) ([]string, error) {
	r, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range r.AST.Children {
		if strings.TrimSpace(n.Original) == "" {
			continue // a sign that goes on behind which nothing comes
		}
		var docs []string
		for _, h := range n.Heredocs {
			docs = append(docs, h.Name+":"+h.Content)
		}
		out = append(out, fmt.Sprintf("%s %d %q %q", strings.ToUpper(n.Value), len(n.Flags), n.Original, docs))
	}
	return out, nil
}

// same holds that a file that BuildKit's parser reads is split as it splits it, and that all of it stands where it says.
func same(t *testing.T, text []byte) {
	t.Helper()
	f := parse(&source.File{Path: "Dockerfile", Bytes: text}, dialect.Limits{}.Defaults())
	for i := range f.instructions {
		in := &f.instructions[i]
		for j := range in.text.text {
			if at := in.text.offset(j); at < 0 || at >= len(text) || text[at] != in.text.text[j] {
				t.Fatalf("byte %d of %q does not stand at %d", j, in.text.text, at)
			}
		}
	}
	want, err := theirs(text)
	if err != nil || len(f.problems) > 0 {
		return
	}
	if d := cmp.Diff(want, ours(f)); d != "" {
		t.Errorf("-theirs +ours:\n%s\nof %q", d, text)
	}
}

var oracle = []string{
	twoStages,
	"FROM a\nRUN a \\\n\n  # c\n  b \\\\\n\\\nCMD x\n",
	"# escape=`\nFROM a\nRUN a `\n  b \\\nCMD x",
	"\ufeff# syntax=x\n# escape=`\n\nFROM a\r\nRUN a `\r\n b\r\n",
	"FROM a\nRUN <<EOF cat <<-'B' > x\n\tone\nEOF\n\ttwo\n\tB\nCOPY <<\"x y\" /z\n1\nx y\n",
	"FROM a\nRUN cat <<<x && echo \"<<EOF\" '<<E'\nADD --chown=a:b --chmod=1 -- x y\n",
	"from --platform=\"a b\" x as y\nonbuild run <<E\nz\nE\nENV a b c\n",
	"FROM a\n   RUN x\n\t# no\nLABEL a='b c' d=\"e \\\" f\" \\ g\n  \\\nUSER u\n",
	"FROM a\nRUN [\"a\", \"<<E\"]\nCOPY [\"a b\", \"c\"]\nHEALTHCHECK --interval=5s CMD x\n",
	"#a=b\n# a=c\nFROM a\n#escape=`\nRUN x \\\ny\n",
}

func TestSplitAsBuildKit(t *testing.T) {
	for _, text := range oracle {
		if _, err := theirs([]byte(text)); err != nil {
			t.Logf("BuildKit refuses %q: %v", text, err)
		}
		same(t, []byte(text))
	}
	if dir := os.Getenv("PLUMBLINE_DOCKERFILES"); dir != "" { // a corpus
		err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !isNamed(d.Name()) {
				return err
			}
			text, err := os.ReadFile(p)
			if err == nil {
				same(t, text)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range oracle {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if utf8.Valid(text) { // nothing else is read
			same(t, text)
		}
	})
}
