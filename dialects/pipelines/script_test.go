package pipelines

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// TestScriptCommands holds that the commands of a script stand where they were written, and that what the system fills in is unknown
// in quotes and outside of them.
func TestScriptCommands(t *testing.T) {
	f := &source.File{Path: "a.yaml", Bytes: []byte("run: |\n  curl '${{ inputs.url }}' | bash\n  echo \"v${{ github.sha }}-x\" ${{ secrets.T }}\n")}
	doc, _ := document.Parse(f, dialect.Limits{})
	text := Join(func(string) *source.File { return f }, doc.Roots[0].Get("run"))
	s := Script{Address: "a", Text: text}
	for rest, at := text.Text, 0; ; {
		start := strings.Index(rest, "${{")
		if start < 0 {
			break
		}
		end := start + strings.Index(rest[start:], "}}") + 2
		s.Placeholders = append(s.Placeholders, Placeholder{at + start, at + end, strings.TrimSpace(rest[start+3 : end-2])})
		rest, at = rest[end:], at+end
	}
	r := s.Resource("test")
	for path, want := range map[string]string{
		"commands[0].name":         `"curl"`,
		"commands[0].words[1]":     "(unknown)",
		"commands[0].into[0]":      `"bash"`,
		"commands[0].variables[0]": `"inputs.url"`,
		"commands[2].words[1]":     `"v"+(unknown)+"-x"`,
		"commands[2].words[2]":     "(unknown)",
		"commands[2].variables":    `["github.sha", "secrets.T"]`,
	} {
		p, _ := value.ParsePath(path)
		if got := value.Show(r.Body.At(p)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	word, _ := value.ParsePath("commands[2].words[1]")
	if got := f.Text(r.Body.At(word).Range); got != `"v${{ github.sha }}-x"` {
		t.Errorf("the word is at %q", got)
	}
}
