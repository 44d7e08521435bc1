package shell

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Value returns the script's commands as rules see them, the List of Objects that schema/generate/ci.json calls commands:
//
//	name       the program; absent where there is only an assignment, unknown where it is not known
//	words      all words; one that is not wholly known is unknown with its known beginning
//	text       the command as it is written, its wrappers and redirections included
//	into, from names of the commands that it is piped to and from
//	assigns    NAME: value
//	redirects  op and target
//	wrappers   sudo, env, …
//	variables  names of the variables that its words expand
//	unquoted   those that stand outside of quotes
//
// Members that would be empty are absent, but for words. Place says where bytes of the script stand in the file.
func (s *Script) Value(place func(start, end int) source.Range) value.Value {
	list := value.Value{Kind: value.List, Range: place(0, len(s.Text))}
	for i := range s.Commands {
		list.Items = append(list.Items, s.Commands[i].value(s.Text, place))
	}
	return list
}

func (c *Command) value(text string, place func(start, end int) source.Range) value.Value {
	at := place(c.Start, c.End)
	var fields []value.Field
	add := func(name string, v value.Value) { fields = append(fields, value.Field{Name: name, Value: v}) }
	names := func(name string, list []string) {
		if len(list) == 0 {
			return
		}
		v := value.Value{Kind: value.List, Range: at}
		for _, n := range list {
			v.Items = append(v.Items, value.Value{Kind: value.String, Text: n, Range: at})
		}
		add(name, v)
	}
	if len(c.Assigns) > 0 {
		m := map[string]value.Value{}
		for i := range c.Assigns {
			m[c.Assigns[i].Name] = c.Assigns[i].Value.value(place)
		}
		v := value.Value{Kind: value.Object, Range: at}
		for name, a := range m {
			v.Fields = append(v.Fields, value.Field{Name: name, Value: a})
		}
		slices.SortFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		add("assigns", v)
	}
	names("from", c.From)
	names("into", c.Into)
	if len(c.Words) > 0 {
		w := &c.Words[0]
		name := value.Value{Kind: value.Unknown, NotNull: true, Range: place(w.Start, w.End)}
		if c.Name != "" {
			name.Kind, name.Text, name.NotNull = value.String, c.Name, false
		}
		add("name", name)
	}
	if len(c.Redirects) > 0 {
		v := value.Value{Kind: value.List, Range: at}
		for i := range c.Redirects {
			d := &c.Redirects[i]
			r := place(d.Target.Start, d.Target.End)
			v.Items = append(v.Items, value.Value{Kind: value.Object, Range: r, Fields: []value.Field{
				{Name: "op", Value: value.Value{Kind: value.String, Text: d.Op, Range: r}},
				{Name: "target", Value: d.Target.value(place)},
			}})
		}
		add("redirects", v)
	}
	add("text", value.Value{Kind: value.String, Text: text[c.Start:c.End], Range: at})
	var unquoted, variables []string
	words := value.Value{Kind: value.List, Range: at}
	for i := range c.Words {
		w := &c.Words[i]
		words.Items = append(words.Items, w.value(place))
		variables = append(variables, w.Variables...)
		if w.Unquoted {
			unquoted = append(unquoted, w.Variables...)
		}
	}
	names("unquoted", unquoted)
	names("variables", variables)
	add("words", words)
	names("wrappers", c.Wrappers)
	return value.Value{Kind: value.Object, Fields: fields, Range: at}
}

func (w *Word) value(place func(start, end int) source.Range) value.Value {
	v := value.Value{Kind: value.String, Text: w.Text, Range: place(w.Start, w.End)}
	if !w.Known {
		v.Kind, v.NotNull, v.Text = value.Unknown, true, w.Prefix
		if w.Prefix != "" {
			v.Ending = w.Suffix
		}
	}
	return v
}
