package ruletest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/source"
)

// A template of CloudFormation can be written in YAML and in JSON, and must mean the same. Pages show it in YAML; the test
// writes the same template in JSON and expects the same findings at the same keys, and fixes that come to the same.

// hasTwin reports whether an example can be written in another syntax.
func hasTwin(e example) bool {
	return e.Dialect == "cloudformation" && slices.ContainsFunc(e.Files, func(f rule.File) bool { return path.Ext(f.Name) != ".json" })
}

// twin scans the example in JSON and compares with what the scan of the YAML said. Mended is the YAML after its fixes; nil
// when they are not looked at.
func (t *tester) twin(ctx context.Context, e example, o scan.Options, inYAML *finding.Report, mended fstest.MapFS) error {
	line := e.Files[0].Line
	tree, ok := t.inJSON(e.tree, line)
	if !ok {
		return nil
	}
	o.FS = tree
	run, err := scan.Run(ctx, o)
	if err != nil {
		return fmt.Errorf("scan the example on line %d of %s as JSON: %w", line, t.page, err)
	}
	for _, p := range run.Report.Problems {
		if p.Kind != source.Unresolved || e.Section != rule.Undecided {
			t.fail(line, "the example as JSON has a problem: %s", p.Message)
		}
	}
	t.sameSpots(line, "findings", spots(e.tree, inYAML.Findings), spots(tree, run.Report.Findings))
	t.sameSpots(line, "undecided findings", spots(e.tree, inYAML.Undecided), spots(tree, run.Report.Undecided))
	if mended == nil {
		return nil
	}
	want, ok := t.inJSON(mended, line)
	if !ok {
		return nil
	}
	e.tree = tree
	for name, got := range t.mend(e, run.Report) {
		if a, b := canonical(got.Data), canonical(want[name].Data); a != b {
			n, have, wanted := difference(a, b)
			t.fail(line, "the fix of the example as JSON comes to something else than in YAML: line %d is %q, not %q", n+1, have, wanted)
		}
	}
	return nil
}

func (t *tester) sameSpots(line int, what string, inYAML, inJSON []string) {
	if !slices.Equal(inYAML, inJSON) {
		t.fail(line, "the example as JSON has %s at %q, in YAML they are at %q", what, inJSON, inYAML)
	}
}

// spots names the keys at which findings stand, sorted.
func spots(tree fstest.MapFS, findings []finding.Finding) []string {
	var out []string
	for _, f := range findings {
		file := f.Location.File
		name := strings.TrimSuffix(file, path.Ext(file))
		doc, _ := document.Parse(&source.File{Path: file, Bytes: tree[file].Data}, dialect.Limits{})
		for _, root := range doc.Roots {
			name += keysTo(root, f.Location.Start)
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// keysTo is the way to the entry that begins at a byte, or to the innermost one around it. In YAML an element begins with its
// first entry, so that the first entry of an element counts as the element.
func keysTo(n *document.Node, at int) string {
	around := func(r source.Range) bool { return r.Start <= at && at < r.End }
	for _, m := range n.Members {
		if m.Range.Start == at {
			return "." + m.Key.Text
		}
		if around(m.Range) {
			return "." + m.Key.Text + keysTo(m.Value, at)
		}
	}
	for i, item := range n.Items {
		if !around(item.Range) {
			continue
		}
		to := "[" + strconv.Itoa(i) + "]"
		if item.Range.Start == at || len(item.Members) > 0 && item.Members[0].Range.Start >= at {
			return to
		}
		return to + keysTo(item, at)
	}
	return ""
}

// inJSON writes every YAML file of a tree in JSON, under the name with the other extension.
func (t *tester) inJSON(tree fstest.MapFS, line int) (fstest.MapFS, bool) {
	out := make(fstest.MapFS, len(tree))
	for name, file := range tree {
		if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" {
			doc, problems := document.Parse(&source.File{Path: name, Bytes: file.Data}, dialect.Limits{})
			if len(problems) > 0 || len(doc.Roots) != 1 {
				t.fail(line, "%s is not one YAML document", name)
				return nil, false
			}
			var b bytes.Buffer
			writeJSON(&b, doc.Roots[0], "\n")
			b.WriteByte('\n')
			name, file = strings.TrimSuffix(name, ext)+".json", &fstest.MapFile{Data: b.Bytes()}
		}
		out[name] = file
	}
	return out, true
}

// writeJSON writes a node of a template, short forms of functions as long ones.
func writeJSON(b *bytes.Buffer, n *document.Node, newline string) {
	if function := longForm(n.Tag); function != "" {
		untagged := *n
		untagged.Tag = ""
		b.WriteString("{" + quoted(function) + ": ")
		if resource, attribute, dotted := strings.Cut(n.Text, "."); function == "Fn::GetAtt" && dotted {
			b.WriteString("[" + quoted(resource) + ", " + quoted(attribute) + "]")
		} else {
			writeJSON(b, &untagged, newline)
		}
		b.WriteByte('}')
		return
	}
	deeper := newline + "  "
	switch n.Kind {
	case document.Mapping:
		b.WriteByte('{')
		for i, m := range n.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(deeper + quoted(m.Key.Text) + ": ")
			writeJSON(b, m.Value, deeper)
		}
		if len(n.Members) > 0 {
			b.WriteString(newline)
		}
		b.WriteByte('}')
	case document.Sequence:
		b.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(deeper)
			writeJSON(b, item, deeper)
		}
		if len(n.Items) > 0 {
			b.WriteString(newline)
		}
		b.WriteByte(']')
	default:
		v := n.Value(false, nil)
		b.Write(v.AppendJSON(nil, false))
	}
}

func longForm(tag string) string {
	name, short := strings.CutPrefix(tag, "!")
	switch {
	case !short || strings.HasPrefix(name, "!"):
		return ""
	case name == "Ref" || name == "Condition":
		return name
	}
	return "Fn::" + name
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // a string can always be written
	return string(text)
}

// canonical is JSON text without what does not matter.
func canonical(text []byte) string {
	var decoded any
	if err := json.Unmarshal(text, &decoded); err != nil {
		return err.Error() + "\n" + string(text)
	}
	out, _ := json.MarshalIndent(decoded, "", "  ") // it was decoded from JSON
	return string(out)
}
