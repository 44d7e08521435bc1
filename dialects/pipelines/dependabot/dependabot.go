// Package dependabot evaluates .github/dependabot.yml, the settings of GitHub's Dependabot: a dependabot_update for each entry of
// updates. A word of the file has underscores in the resource where it has hyphens: default-days is default_days.
//
// The facts are those of https://docs.github.com/en/code-security/dependabot/working-with-dependabot/dependabot-options-reference.
// The package knows nothing of rules or findings.
package dependabot

import (
	"context"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

const updateType = "dependabot_update"

// New returns the dialect.
func New(set *schema.Set) dialect.Dialect {
	return pipelines.New(pipelines.System{
		Name:   "dependabot",
		YAML11: true,
		Claims: claims,
		Blocks: blocks,
		Evaluate: func(_ context.Context, u *pipelines.Unit) {
			evaluate(set.Resource(updateType), u)
		},
	})
}

// claims takes the file that GitHub reads, in whatever folder the repository begins.
func claims(file string, _ func() []byte) bool {
	name := path.Base(file)
	return path.Base(path.Dir(file)) == ".github" && (name == "dependabot.yml" || name == "dependabot.yaml")
}

// updatesOf is the member with the updates, or nil.
func updatesOf(f *pipelines.File) *document.Node {
	if u := f.Root().Get("updates"); u != nil && u.Kind == document.Sequence {
		return u
	}
	return nil
}

func blocks(f *pipelines.File) []source.Range {
	var out []source.Range
	if u := updatesOf(f); u != nil {
		for i := range u.Items {
			out = append(out, u.Place(i))
		}
	}
	return out
}

func evaluate(typ *schema.Resource, u *pipelines.Unit) {
	root := u.Main.Root()
	updates := updatesOf(u.Main)
	if updates == nil {
		if len(u.Main.Problems()) == 0 {
			u.Problem(source.Invalid, source.Range{File: u.Main.Path}, "the file has no list of updates")
		}
		return
	}
	places := written.New(u)
	var words []string
	for i := range typ.Attributes {
		words = append(words, typ.Attributes[i].Name)
	}
	for i, n := range updates.Items {
		if n.Kind != document.Mapping {
			u.Problem(source.Invalid, updates.Place(i), "an update is a mapping")
			continue
		}
		v := n.Value(true, nil)
		// What an update takes from its group counts as its own: a schedule, labels and the like.
		if g := v.Field("multi-ecosystem-group"); g.Kind == value.String {
			group := root.Get("multi-ecosystem-groups").Get(g.Text).Value(true, nil)
			for _, f := range group.Fields {
				if v.Field(f.Name).Kind == value.Absent {
					v.Fields = append(v.Fields, f)
				}
			}
			slices.SortFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		}
		var body pipelines.Body
		for _, f := range v.Fields {
			if name := word(f.Name); typ.Attribute(name) != nil {
				body.Set(name, underscored(f.Value))
			}
		}
		name := nameOf(&v)
		at := updates.Place(i)
		r := &resource.Resource{Address: u.Address(name), Type: updateType, Name: name, Range: at, Body: body.Object(at)}
		r.Handle = places.Handle(r, written.Home{Node: n, Only: words, Word: func(s string) string { return strings.ReplaceAll(s, "_", "-") }})
		if !u.Add(r) {
			return
		}
	}
}

func word(s string) string { return strings.ReplaceAll(s, "-", "_") }

// underscored is a mapping of options with underscores in the names.
func underscored(v value.Value) value.Value {
	if v.Kind == value.Object {
		v.Fields = slices.Clone(v.Fields)
		for i := range v.Fields {
			v.Fields[i].Name = word(v.Fields[i].Name)
			v.Fields[i].Value = underscored(v.Fields[i].Value)
		}
		slices.SortFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		v.Fields = slices.CompactFunc(v.Fields, func(a, b value.Field) bool { return a.Name == b.Name })
	}
	return v
}

// nameOf names an update by what it updates: npm:/web.
func nameOf(v *value.Value) string {
	name := "updates"
	if e := v.Field("package-ecosystem"); e.Kind == value.String && e.Text != "" {
		name = e.Text
	}
	dir := v.Field("directory")
	if dirs := v.Field("directories"); len(dirs.Items) > 0 {
		dir = &dirs.Items[0]
	}
	if dir.Kind == value.String {
		name += ":" + dir.Text
	}
	return strings.Join(strings.Fields(name), "_")
}
