package manifest

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// arguments is what a container runs: its command and args as program and flags.
type arguments struct {
	program value.Value
	byName  map[string]*argument
	open    bool   // something of it is not known
	list    string // command or args: where further flags belong
	count   int    // words of that list
}

// argument is one flag.
type argument struct {
	value value.Value // String; "true" for a flag alone
	list  string      // command or args
	index int         // of the word in it
	apart bool        // the value is the next word
}

// argumentsOf reads command and args of a container.
func argumentsOf(body *value.Value) arguments {
	a := arguments{byName: map[string]*argument{}, list: "args"}
	command, args := field(body, "command"), field(body, "args")
	switch {
	case command.Kind == value.Unknown:
		a.program = unknownAt(&command)
	case len(command.Items) > 0:
		a.program = program(&command.Items[0])
	case len(args.Items) > 0 && !strings.HasPrefix(args.Items[0].Text, "-"):
		a.program = program(&args.Items[0])
	case args.Kind == value.Unknown:
		a.program = unknownAt(&args)
	}
	a.read("command", &command)
	a.read("args", &args)
	if len(command.Items) > 0 && len(args.Items) == 0 {
		a.list = "command"
	}
	a.count = len(args.Items)
	if a.list == "command" {
		a.count = len(command.Items)
	}
	return a
}

// program is the last part of the first word of a command.
func program(word *value.Value) value.Value {
	if word.Kind != value.String {
		if word.Kind == value.Unknown {
			return unknownAt(word)
		}
		return value.Value{}
	}
	words := strings.Fields(word.Text)
	if len(words) == 0 {
		return value.Value{}
	}
	v := text(words[0][strings.LastIndexByte(words[0], '/')+1:])
	v.Range = word.Range
	return v
}

// read takes the flags of one list. A flag that comes again counts as it comes last.
func (a *arguments) read(list string, words *value.Value) {
	if words.Kind == value.Unknown || words.Open {
		a.open = true
	}
	for i := 0; i < len(words.Items); i++ {
		word := &words.Items[i]
		if word.Kind == value.Unknown && !strings.Contains(word.Text, "=") {
			a.open = true
			continue
		}
		spoken, known := word.Word()
		if !known {
			spoken = word.Text
		}
		name := strings.TrimPrefix(strings.TrimPrefix(spoken, "-"), "-")
		if name == spoken || name == "" || name[0] == '-' {
			continue
		}
		f := &argument{list: list, index: i}
		name, rest, given := strings.Cut(name, "=")
		switch {
		case word.Kind == value.Unknown:
			f.value = unknownAt(word)
			f.value.NotNull = true
			f.value.Text, f.value.Ending = rest, word.Ending
			if rest == "" {
				f.value.Ending = ""
			}
		case given:
			f.value = text(rest)
			f.value.Range = word.Range
		case i+1 < len(words.Items) && !strings.HasPrefix(words.Items[i+1].Text, "-") && words.Items[i+1].IsSet():
			i++
			f.apart = true
			next := words.Items[i]
			if s, ok := next.Word(); ok {
				r := next.Range
				next = text(s)
				next.Range = r
			}
			f.value = next
		default:
			f.value = text("true")
			f.value.Range = word.Range
		}
		a.byName[name] = f
	}
}

// flags returns the flags as an object.
func (a *arguments) flags() value.Value {
	v := value.Value{Kind: value.Object, Open: a.open}
	for name, f := range a.byName {
		v.Fields = append(v.Fields, value.Field{Name: name, Value: f.value})
	}
	slices.SortFunc(v.Fields, func(x, y value.Field) int { return strings.Compare(x.Name, y.Name) })
	return v
}

// place returns where in a container the value of a flag stands.
func (f *argument) place(at value.Path) value.Path {
	if f.apart {
		return path(at, f.list, f.index+1)
	}
	return path(at, f.list, f.index)
}
