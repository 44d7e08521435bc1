package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

// indent is how far a line stands in from the one that it belongs to.
const indent = 4

// parseBlock parses a block. The error begins with the file and line.
func parseBlock(s *section) (*Block, error) {
	lines := strings.Split(s.text, "\n")
	b := &Block{}
	where := func(i int) string { return s.file + ":" + strconv.Itoa(s.line+i) }
	if err := b.parseHead(strings.TrimRight(withoutRemark(lines[0]), " ")); err != nil {
		return nil, fmt.Errorf("%s: %w", where(0), err)
	}
	b.Where = where(0)
	// open holds, by depth, the rows that the next line may belong to. A pointer into a slice stays right, because nothing is
	// appended to the slice while the line's own rows grow.
	open := []*[]Row{&b.Rows}
	for i, line := range lines[1:] {
		line = strings.TrimRight(withoutRemark(line), " ")
		text := strings.TrimLeft(line, " ")
		if text == "" {
			continue
		}
		depth, rest := (len(line)-len(text))/indent, (len(line)-len(text))%indent
		if rest != 0 || depth < 1 || depth > len(open) || strings.HasPrefix(text, "\t") {
			return nil, fmt.Errorf("%s: the line must stand in by %d spaces more than the one that it belongs to", where(i+1), indent)
		}
		open = open[:depth]
		if depth == 1 {
			if ok, err := b.parseProperty(text); err != nil {
				return nil, fmt.Errorf("%s: %w", where(i+1), err)
			} else if ok {
				continue
			}
		}
		row, err := parseRow(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where(i+1), err)
		}
		row.Where = where(i + 1)
		rows := open[depth-1]
		*rows = append(*rows, row)
		if last := &(*rows)[len(*rows)-1]; (row.Kind == Same || row.Kind == Companion) && len(row.Convert) == 0 {
			open = append(open, &last.Rows)
		}
	}
	return b, nil
}

// withoutRemark cuts a remark off: a # after a space, outside of quotes and brackets, before a space or the end.
func withoutRemark(line string) string {
	if strings.HasPrefix(strings.TrimLeft(line, " "), "#") {
		return ""
	}
	if i := outside(line+" ", " # "); i >= 0 {
		return line[:i]
	}
	return line
}

// outside returns where the first sep stands outside of quotes and brackets, or -1.
func outside(s, sep string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
			continue
		case s[i] == '"':
			quoted = !quoted
		case quoted:
			continue
		case s[i] == '[' || s[i] == '(' || s[i] == '{':
			depth++
		case s[i] == ']' || s[i] == ')' || s[i] == '}':
			depth--
		}
		if !quoted && depth == 0 && strings.HasPrefix(s[i:], sep) {
			return i
		}
	}
	return -1
}

// split cuts s at every sep that stands outside of quotes and brackets, and trims the parts.
func split(s, sep string) []string {
	var out []string
	for {
		i := outside(s, sep)
		if i < 0 {
			return append(out, strings.TrimSpace(s))
		}
		out = append(out, strings.TrimSpace(s[:i]))
		s = s[i+len(sep):]
	}
}

// parseHead reads TYPE, TYPE = terraform_type when TEST and TEST.
func (b *Block) parseHead(text string) error {
	natives, rest, ok := strings.Cut(text, " = ")
	if !ok {
		return fmt.Errorf("%q is not TYPE = terraform_type", text)
	}
	b.Native = split(natives, ",")
	if slices.Contains(b.Native, "") {
		return errors.New("a type has no name")
	}
	typ, when, has := strings.Cut(strings.TrimSpace(rest), " when ")
	b.Type = strings.TrimSpace(typ)
	if b.Type == "" || strings.ContainsAny(b.Type, " \t") {
		return fmt.Errorf("%q is not the name of a type", b.Type)
	}
	if has {
		var err error
		b.When, err = parseTests(when)
		return err
	}
	return nil
}

// parseProperty reads the lines that are about the block as a whole.
func (b *Block) parseProperty(text string) (bool, error) {
	if name, ok := strings.CutPrefix(text, "hook "); ok {
		if b.Hook != "" {
			return true, errors.New("there is a hook already")
		}
		b.Hook = strings.TrimSpace(name)
		return true, nil
	}
	name, isOutput := strings.CutPrefix(text, "GetAtt ")
	if !isOutput && !strings.HasPrefix(text, "Ref:") {
		return false, nil
	}
	name, attributes, ok := strings.Cut(name, ":")
	if !ok {
		return true, errors.New("a reference yields an attribute: GetAtt Name: attribute")
	}
	y := Yield{Name: strings.TrimSpace(name), Attributes: split(attributes, ",")}
	if !isOutput {
		y.Name = ""
	}
	if slices.Contains(y.Attributes, "") || isOutput && y.Name == "" {
		return true, fmt.Errorf("%q lacks a name", text)
	}
	if slices.ContainsFunc(b.Yields, func(o Yield) bool { return o.Name == y.Name }) {
		return true, fmt.Errorf("%q is said already", strings.TrimSpace(text[:strings.Index(text, ":")]))
	}
	b.Yields = append(b.Yields, y)
	return true, nil
}

func parseRow(text string) (Row, error) {
	switch {
	case strings.HasPrefix(text, "= "):
		return parseValue(Constant, text[2:])
	case strings.HasPrefix(text, "? "):
		return parseValue(Otherwise, text[2:])
	}
	if i := outside(text, " -> "); i >= 0 {
		return parseCompanion(text[:i], text[i+4:])
	}
	i := outside(text+" ", ": ")
	if i < 0 {
		return Row{}, fmt.Errorf("%q is no row: native.path: terraform.path", text)
	}
	r := Row{Kind: Same}
	var err error
	if r.Native, err = parseNames(text[:i]); err != nil {
		return Row{}, err
	}
	text, when, has := strings.Cut(text[i+1:], " when ")
	if has {
		if r.When, err = parseTests(when); err != nil {
			return Row{}, err
		}
	}
	parts := split(text, "|")
	if parts[0] == "~" {
		r.Kind = Nowhere
		if len(parts) > 1 {
			return Row{}, errors.New("what is carried nowhere is not converted")
		}
		if has {
			return Row{}, errors.New("what is carried nowhere has no condition")
		}
		return r, nil
	}
	if r.Target, err = parseNames(parts[0]); err != nil {
		return Row{}, err
	}
	for _, part := range parts[1:] {
		words, err := wordsOf(part)
		if err != nil {
			return Row{}, err
		}
		if len(words) == 0 {
			return Row{}, errors.New("a conversion has no name")
		}
		r.Convert = append(r.Convert, Conversion{Name: words[0], Words: words[1:]})
	}
	return r, nil
}

// parseValue reads terraform.path JSON.
func parseValue(kind RowKind, text string) (Row, error) {
	path, document, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok {
		return Row{}, fmt.Errorf("%q is not terraform.path JSON", text)
	}
	target, err := parseNames(path)
	if err != nil {
		return Row{}, err
	}
	if len(target) == 0 {
		return Row{}, errors.New("a value stands at an attribute")
	}
	r := Row{Kind: kind, Target: target}
	if document = strings.TrimSpace(document); document == "unknown" {
		r.Value = value.Value{Kind: value.Unknown}
		return r, nil
	}
	var decoded any
	if err := json.Unmarshal([]byte(document), &decoded); err != nil {
		return Row{}, fmt.Errorf("%s: %w", document, err)
	}
	r.Value = value.Decoded(decoded)
	return r, nil
}

// parseCompanion reads native.path -> terraform_type(attr: parent_attr, …) when TEST and TEST.
func parseCompanion(native, text string) (Row, error) {
	r := Row{Kind: Companion}
	var err error
	if r.Native, err = parseNames(native); err != nil {
		return Row{}, err
	}
	text, when, has := strings.Cut(text, " when ")
	if has {
		if r.When, err = parseTests(when); err != nil {
			return Row{}, err
		}
	}
	typ, links, has := strings.Cut(strings.TrimSpace(text), "(")
	r.Type = strings.TrimSpace(typ)
	if r.Type == "" || strings.ContainsAny(r.Type, " \t") {
		return Row{}, fmt.Errorf("%q is not the name of a type", r.Type)
	}
	links, ok := strings.CutSuffix(links, ")")
	if has && !ok {
		return Row{}, errors.New("a parenthesis is not closed")
	}
	if strings.TrimSpace(links) == "" {
		return r, nil
	}
	for _, link := range split(links, ",") {
		attribute, parent, ok := strings.Cut(link, ":")
		a := Anchor{Attribute: strings.TrimSpace(attribute), Parent: strings.TrimSpace(parent)}
		if !ok || a.Attribute == "" || a.Parent == "" {
			return Row{}, fmt.Errorf("%q is not attribute: attribute", link)
		}
		r.Links = append(r.Links, a)
	}
	return r, nil
}

var operators = []string{" != ", " = ", " has ", " lacks "}

func parseTests(text string) ([]Test, error) {
	var out []Test
next:
	for _, part := range split(text, " and ") {
		path, inner := strings.CutPrefix(part, ".")
		for _, op := range operators {
			i := outside(path, op)
			if i < 0 {
				continue
			}
			t := Test{Inner: inner, Op: strings.TrimSpace(op)}
			var err error
			if t.Path, err = parseTestPath(path[:i], inner); err != nil {
				return nil, err
			}
			for _, word := range split(path[i+len(op):], "|") {
				if strings.HasPrefix(word, `"`) {
					if word, err = strconv.Unquote(word); err != nil {
						return nil, fmt.Errorf("%q: %w", part, err)
					}
				}
				t.Words = append(t.Words, word)
			}
			out = append(out, t)
			continue next
		}
		path, op, _ := strings.Cut(path, " ")
		op = strings.TrimSpace(op)
		if op != "set" && op != "unset" {
			return nil, fmt.Errorf("%q is no test", part)
		}
		names, err := parseTestPath(path, inner)
		if err != nil {
			return nil, err
		}
		out = append(out, Test{Path: names, Inner: inner, Op: op})
	}
	return out, nil
}

// parseTestPath reads the path of a test; a dot alone is the property of the row.
func parseTestPath(text string, inner bool) ([]NameStep, error) {
	if inner && strings.TrimSpace(text) == "" {
		return nil, nil
	}
	return parseNames(text)
}

// parseNames reads a path: a.b[], a{}, a[0].b, a[Key=word].b, a[Key!=word].b, "odd name".b, a/alias.b, or "." for no step at all.
func parseNames(text string) ([]NameStep, error) {
	text = strings.TrimSpace(text)
	if text == "." {
		return nil, nil
	}
	bad := fmt.Errorf("%q is no path", text)
	var steps []NameStep
	for s := text; ; {
		step := NameStep{}
		for {
			name, rest, ok := parseName(s)
			if !ok {
				return nil, bad
			}
			if step.Name == "" {
				step.Name = name
			} else {
				step.Aliases = append(step.Aliases, name)
			}
			if s = rest; !strings.HasPrefix(s, "/") {
				break
			}
			s = s[1:]
		}
		steps = append(steps, step)
		if rest, ok := strings.CutPrefix(s, "{}"); ok {
			steps, s = append(steps, NameStep{Each: true, Map: true}), rest
		}
		for strings.HasPrefix(s, "[") {
			end := strings.IndexByte(s, ']')
			if end < 0 {
				return nil, bad
			}
			in, err := parseIndex(s[1:end])
			if err != nil {
				return nil, bad
			}
			steps, s = append(steps, in), s[end+1:]
		}
		if s == "" {
			return steps, nil
		}
		if s[0] != '.' {
			return nil, bad
		}
		s = s[1:]
	}
}

func parseName(s string) (name, rest string, ok bool) {
	if strings.HasPrefix(s, "/") { // a part: /TYPE/NAME
		end := strings.IndexAny(s, `.[]{} "|`)
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], strings.Count(s[:end], "/") == 2
	}
	if strings.HasPrefix(s, `"`) {
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			return "", "", false
		}
		name, err := strconv.Unquote(quoted)
		return name, s[len(quoted):], err == nil && name != ""
	}
	end := strings.IndexAny(s, `.[]{}/ "|`)
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:], end > 0
}

func parseIndex(s string) (NameStep, error) {
	if s == "" {
		return NameStep{Each: true}, nil
	}
	if key, words, ok := strings.Cut(s, "="); ok && key != "" && key != "!" {
		key, not := strings.CutSuffix(key, "!")
		return NameStep{Each: not, Key: key, Words: strings.Split(words, ",")}, nil
	}
	n, err := strconv.Atoi(s)
	if err == nil && n < 0 {
		err = errors.New("negative")
	}
	return NameStep{Index: n}, err
}

// wordsOf splits a conversion at spaces; quoted parts stay whole and lose their quotes: enum "On demand"=on.
func wordsOf(text string) ([]string, error) {
	var out []string
	var word strings.Builder
	begun := false
	for text != "" {
		switch c := text[0]; {
		case c == '"':
			quoted, err := strconv.QuotedPrefix(text)
			if err != nil {
				return nil, fmt.Errorf("%s: a quote is not closed", text)
			}
			part, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", quoted, err)
			}
			word.WriteString(part)
			begun, text = true, text[len(quoted):]
		case c == ' ':
			if begun {
				out = append(out, word.String())
			}
			word.Reset()
			begun, text = false, text[1:]
		default:
			word.WriteByte(c)
			begun, text = true, text[1:]
		}
	}
	if begun {
		out = append(out, word.String())
	}
	return out, nil
}
