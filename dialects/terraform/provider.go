package terraform

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// provider is an evaluated provider configuration.
type provider struct {
	owner    *scope // the module instance that declares it
	resource *resource.Resource
	content  *content
}

// providerName returns the local name of the provider configuration that a resource uses: aws.west.
func (s *scope) providerName(d *declaration) string {
	if a := d.block.Body.Attributes["provider"]; a != nil {
		if name, ok := providerWord(a.Expr); ok {
			return name
		}
	}
	typ := d.typ
	if d.mode != "resource" {
		_, typ, _ = strings.Cut(typ, ".")
	}
	name, _, _ := strings.Cut(typ, "_")
	return name
}

// providerWord reads the name of a provider configuration, without the key that one of several instances has in OpenTofu.
func providerWord(e hclsyntax.Expression) (string, bool) {
	if i, ok := e.(*index); ok {
		e = i.Collection
	}
	return wordOf(e)
}

// provider returns the configuration that a local name stands for in this module: its own, the one passed by the caller,
// or for names without alias the caller's of the same name. It returns nil when there is none.
func (s *scope) provider(name string) *provider {
	if p, ok := s.providers[name]; ok {
		return p
	}
	s.providers[name] = nil // a provider that depends on itself finds none
	p := s.findProvider(name)
	s.providers[name] = p
	return p
}

func (s *scope) findProvider(name string) *provider {
	own := s.module.providers[name]
	passed, explicit := s.passed(name)
	switch {
	case own != nil && !(explicit && isProxy(own)):
		return s.newProvider(name, own)
	case explicit:
		return s.parent.provider(passed)
	case s.parent != nil && !strings.Contains(name, "."):
		return s.parent.provider(name)
	}
	return nil
}

// isProxy reports whether a provider block says nothing but that the caller passes such a provider.
func isProxy(b *hclsyntax.Block) bool {
	for name := range b.Body.Attributes {
		if name != "alias" && name != "version" {
			return false
		}
	}
	return len(b.Body.Blocks) == 0
}

// passed returns the caller's name for a provider that the module call passes under the given name.
func (s *scope) passed(name string) (string, bool) {
	if s.parent == nil {
		return "", false
	}
	a := s.caller.Body.Attributes["providers"]
	if a == nil {
		return "", false
	}
	object, ok := a.Expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return "", false
	}
	for _, item := range object.Items {
		key := item.KeyExpr
		if k, ok := key.(*hclsyntax.ObjectConsKeyExpr); ok {
			key = k.Wrapped
		}
		if k, ok := wordOf(key); ok && k == name {
			return providerWord(item.ValueExpr)
		}
	}
	return "", false
}

func (s *scope) newProvider(name string, b *hclsyntax.Block) *provider {
	u := s.unit
	typ := "provider." + b.Labels[0]
	var attributes []schema.Attribute
	if known := u.set.Resource(typ); known != nil {
		attributes = known.Attributes
	}
	p := &provider{owner: s, content: &content{block: b, outer: b}}
	r := u.base(s, b)
	r.Address, r.Type, r.Name, r.Provider = s.within("provider."+name), typ, name, b.Labels[0]
	ctx := s.ctx
	if b.Body.Attributes["for_each"] != nil { // OpenTofu's: one configuration stands for all instances
		ctx = s.ctx.NewChild()
		ctx.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{
			"key": cty.UnknownVal(cty.String).RefineNotNull(), "value": cty.DynamicVal})}
	}
	u.contain(r.Address, b.DefRange(), func() cty.Value {
		u.fill(p.content, b.Body, ctx)
		p.content.attrs = slices.DeleteFunc(p.content.attrs, func(w written) bool { return w.attr.Name == "for_each" })
		build := &builder{}
		r.Body = build.body(p.content, attributes)
		r.Refs = build.refs
		return cty.True
	})
	r.Body.Range = r.Range
	r.Handle = &handle{scope: s, block: b, content: p.content, ctx: ctx, schema: attributes}
	p.resource = r
	return p
}

// inherited returns the tags or labels that a provider puts on everything, by the attribute of the resources that they
// are merged into, and the words that say where they come from.
func (p *provider) inherited(attribute string) (*value.Value, string) {
	if p == nil {
		return &value.Value{}, ""
	}
	switch {
	case attribute == "tags" && p.resource.Type == "provider.aws":
		v := p.resource.Body.Field("default_tags")
		if v.Kind == value.List && len(v.Items) > 0 { // as when the schema does not know the provider
			v = &v.Items[0]
		}
		return v.Field("tags"), "default_tags of " + p.resource.Address
	case attribute == "labels" && strings.HasPrefix(p.resource.Type, "provider.google"):
		return p.resource.Body.Field("default_labels"), "default_labels of " + p.resource.Address
	}
	return &value.Value{}, ""
}

// tags returns the tags or labels that the deployed thing will carry.
func tags(r *resource.Resource, known *schema.Resource, p *provider) []resource.Tag {
	found := map[string]resource.Tag{}
	put := func(v *value.Value, origin string) {
		if v.Kind != value.Object {
			return
		}
		for i := range v.Fields {
			f := &v.Fields[i]
			if f.Value.Kind == value.Null {
				continue
			}
			where := f.Value.Range
			if where.IsZero() {
				where = v.Range
			}
			found[f.Name] = resource.Tag{Key: f.Name, Value: f.Value, Origin: origin, Range: where}
		}
	}
	has := func(name string) bool { return known != nil && known.Attribute(name) != nil }
	switch {
	case has("tags_all"):
		put(p.inherited("tags"))
		put(r.Body.Field("tags"), "resource")
	case has("effective_labels") || has("terraform_labels"):
		put(p.inherited("labels"))
		put(r.Body.Field("labels"), "resource")
	case has("tags"):
		put(r.Body.Field("tags"), "resource")
	case has("labels"):
		put(r.Body.Field("labels"), "resource")
	case has("tag"): // an auto scaling group writes its tags as blocks
		for _, item := range r.Body.Field("tag").Items {
			if key := item.Field("key"); key.Kind == value.String {
				found[key.Text] = resource.Tag{Key: key.Text, Value: *item.Field("value"), Origin: "resource", Range: item.Range}
			}
		}
	case known == nil:
		put(r.Body.Field("tags"), "resource")
		put(r.Body.Field("labels"), "resource")
	}
	out := make([]resource.Tag, 0, len(found))
	for _, key := range sortedNames(found) {
		out = append(out, found[key])
	}
	return slices.Clip(out)
}

// allTags returns tags_all as the provider plans it: the tags of the provider with those of the resource over them.
func (i *instance) allTags() (cty.Value, bool) {
	u := i.scope.unit
	own := i.complete("tags")
	plain, marks := own.Unmark()
	if !plain.IsKnown() || !plain.IsNull() && !plain.CanIterateElements() {
		return cty.UnknownVal(cty.Map(cty.String)).WithMarks(marks), true
	}
	merged := map[string]cty.Value{}
	if p := i.scope.provider(i.scope.providerName(i.decl)); p != nil {
		if g := p.content.group("default_tags"); g != nil {
			if g.open || len(g.items) != 1 {
				return cty.UnknownVal(cty.Map(cty.String)).WithMarks(marks), true
			}
			if w := g.items[0].attribute("tags"); w != nil {
				v := u.fit(w.value, &schema.Attribute{Name: "tags", Type: schema.Type{Kind: schema.MapOf, Elem: &schema.Type{Kind: schema.String}}}, w.attr.SrcRange)
				v, more := v.Unmark()
				marks = mergeMarks(marks, more)
				if !v.IsKnown() {
					return cty.UnknownVal(cty.Map(cty.String)).WithMarks(marks), true
				}
				if !v.IsNull() {
					for k, t := range v.AsValueMap() {
						merged[k] = t
					}
				}
			}
		}
	}
	if !plain.IsNull() {
		for k, t := range plain.AsValueMap() {
			merged[k] = t
		}
	}
	if len(merged) == 0 { // the provider plans no empty map
		return cty.UnknownVal(cty.Map(cty.String)).WithMarks(marks), true
	}
	return cty.MapVal(merged).WithMarks(marks), true
}

func mergeMarks(a, b cty.ValueMarks) cty.ValueMarks {
	out := make(cty.ValueMarks, len(a)+len(b))
	for m := range a {
		out[m] = struct{}{}
	}
	for m := range b {
		out[m] = struct{}{}
	}
	return out
}

// special answers for attributes that have a meaning beyond the schema.
func (i *instance) special(name string) (cty.Value, bool) {
	switch {
	case i.decl.typ == "terraform_data" && name == "output":
		if a := i.decl.block.Body.Attributes["input"]; a != nil {
			v := i.wrote(a)
			if plain, marks := v.Unmark(); plain.IsNull() {
				return plain.WithMarks(marks), true
			}
			_, marks := v.UnmarkDeep()
			return cty.UnknownVal(v.Type()).WithMarks(marks), true
		}
		return cty.NullVal(cty.DynamicPseudoType), true
	case name == "tags_all" && i.schema != nil && i.schema.Attribute("tags_all") != nil && i.schema.Attribute("tags") != nil && i.decl.mode == "resource":
		return i.allTags()
	case i.decl.typ == "data.template_file" && name == "rendered":
		return i.templateFile()
	case i.decl.typ == "data.aws_iam_policy_document" && (name == "json" || name == "minified_json"):
		return i.policyJSON(name == "json"), true
	}
	return cty.NilVal, false
}
