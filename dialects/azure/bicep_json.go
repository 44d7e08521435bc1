package azure

import (
	"maps"
	"strings"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// templates returns the evaluation of the JSON templates that a unit calls as modules. It shares the unit's limits.
func (u *bicepEvaluation) templates() *evaluation {
	if u.json == nil {
		e := u.estate
		u.json = &evaluation{
			estate: &estate{table: e.table, workspace: e.workspace, limits: e.limits, files: map[string]*armFile{}, named: map[int]*armFile{}, found: map[string]*armFile{}},
			ctx:    u.ctx, limits: e.limits, functions: functions{limits: e.limits},
			parsed: map[*document.Node]*expression{}, templates: map[*document.Node]*template{}, at: map[string]*instance{}, asked: map[*document.Node]bool{},
			seen: map[source.Problem]bool{}, limited: map[string]bool{}, files: map[string]bool{},
		}
	}
	return u.json
}

// template returns the JSON template that a call of a module deploys, with the parameters of the call; nil when it calls none
// that is at hand.
func (i *bicepInstance) template() *scope {
	s := i.group.scope
	if i.asked {
		return i.json
	}
	i.asked = true
	to, ok := s.file.local(i.group.decl.Text)
	if !ok || i.group.decl.Keyword != bicep.Module || !strings.HasSuffix(to, ".json") {
		return nil
	}
	s.unit.read(to)
	if _, problem := s.unit.estate.workspace.Read(to); problem != nil {
		return nil
	}
	u := s.unit.templates()
	t := u.estate.templateIn(to)
	if t == nil || t.template == nil {
		return nil
	}
	for _, p := range t.problems {
		s.unit.problem(p)
	}
	i.json = &scope{unit: u, template: t.template, memo: map[string]*evaluated{}, given: i.givenTo(t.template), address: i.full(), maybe: s.maybe || i.maybe}
	i.json.calls = append(s.calls[:len(s.calls):len(s.calls)], resource.Call{Address: i.full(), Range: s.header(i.group.decl)})
	return i.json
}

// givenTo evaluates what a call passes to the parameters of a JSON template.
func (i *bicepInstance) givenTo(t *template) map[string]*argument {
	out := map[string]*argument{}
	p := i.property("params")
	if p == nil {
		return out
	}
	f := i.frame
	f.placed = false
	all := f.eval(p.Value)
	for low, m := range t.parameters {
		v := member(&all, m.Key.Text)
		switch {
		case v != nil:
			out[low] = &argument{name: i.address() + ".params." + m.Key.Text, place: f.scope.file.at(p.Span), value: *v}
		case all.Kind == value.Unknown || all.Open:
			out[low] = &argument{name: i.address() + ".params", place: f.scope.file.at(p.Span), value: unknown()}
		}
	}
	return out
}

// finishTemplates takes over what evaluating JSON templates has met.
func (u *bicepEvaluation) finishTemplates() {
	if u.json == nil {
		return
	}
	for _, p := range u.json.problems {
		u.problem(p)
	}
	maps.Copy(u.reads, u.json.files)
}
