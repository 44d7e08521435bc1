package ansible

import (
	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// gone are the states in which a task takes away what it names.
var gone = map[string]bool{"absent": true, "deleted": true, "terminated": true, "removed": true, "purged": true}

// goneIn are such states of single modules, where the words mean something else in others.
var goneIn = map[string]string{"amazon.aws.cloudtrail": "disabled"}

// cloud adds the resources that Terraform's words have for what a task makes.
func (u *evaluation) cloud(t *task, i instance, args *jinja.Result, address string, h *handle) {
	maybe := i.maybe
	switch state := args.Value.Field("state"); state.Kind {
	case value.String:
		if gone[state.Text] || state.Text != "" && state.Text == goneIn[t.call.module] {
			return
		}
	case value.Unknown:
		maybe = true
	}
	body := args.Value
	body.Range = t.at
	n := &translate.Native{Dialect: "ansible", Type: t.call.module, Address: address + i.key, Module: t.frame.module, Name: t.name, Body: body,
		Refs: refs(args.Marks), Range: t.at, Header: firstLine(t.file.source, t.at), Calls: t.frame.calls, Maybe: maybe, Handle: h}
	u.resources = append(u.resources, u.estate.table().Resources(n)...)
}
