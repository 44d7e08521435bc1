// Package resource is what a dialect makes of its documents: resources with evaluated attributes, and the graph between them.
//
// It knows values and the words of the schema, but no dialect and no rule.
package resource

import (
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Resource is one declared thing after evaluation. Types and attributes carry Terraform's names whatever the dialect.
//
// Besides managed resources ("aws_s3_bucket") there are: data sources ("data.aws_iam_policy_document"), provider
// configurations ("provider.aws"), input variables ("variable"), outputs ("output"), module calls ("module") and backends
// ("backend.s3").
type Resource struct {
	Address  string       // unique in its unit: module.web["a"].aws_instance.this[0]; provider.aws.west; var.password
	Module   string       // address of the module instance that holds it; empty for the root
	Type     string       // the type as above
	Native   string       // the dialect's own word for the type, where it is not Type: AWS::S3::Bucket
	Name     string       // the label without the type: this
	Provider string       // local name of the provider: aws
	Dialect  string       // name of the dialect it was written in
	Body     value.Value  // Object of the attributes that were written, shaped by the schema: a block that occurs at most once is an Object, others are Lists
	Range    source.Range // the whole declaration
	Header   source.Range // its first line, or as much of it as names the resource
	Calls    []Call       // the module calls that led here, outermost first
	Maybe    bool         // count, for_each or a condition is unknown: it stands for zero or more instances
	When     []string     // of one that may be: the named conditions under all of which it is there for certain, sorted; nil when nothing makes it certain
	Within   string       // address of the resource that it is a part of, where one text makes both: the workload of a pod, the pod of a container; empty for most
	Refs     []Ref        // what its attributes refer to
	Tags     []Tag        // effective tags or labels, sorted by key
	Handle   any          // the dialect's own; nobody else looks inside
}

// Call is one module call on the way to a resource.
type Call struct {
	Address string       // module.web["a"]
	Range   source.Range // the first line of the module block
}

// Ref says that the value at Path was made from an attribute of another resource.
type Ref struct {
	Path      value.Path
	Target    string // address of the resource; of the whole resource (without key) when the instance is not known
	Attribute string // the attribute that was read: id, arn; empty when not known
	Maybe     bool   // it is not known whether the value leads there: the name, or what a selector looks at, is unknown
}

// Tag is an effective tag: what the deployed thing will carry.
type Tag struct {
	Key    string
	Value  value.Value // Unknown when it is
	Origin string      // where it comes from: "resource", "default_tags of provider.aws", …
	Range  source.Range
}

// Change is one wish of a fix about a resource's attributes, in Terraform's words.
type Change struct {
	Op    ChangeOp
	Path  value.Path  // of Set, Remove and Add: the attribute or block
	Value value.Value // of Set: the new value; of Add: the block's body (Object)
	New   *Companion  // of Create
}

// ChangeOp says what a Change does.
type ChangeOp string

// The wishes a fix can have.
const (
	Set    ChangeOp = "set"    // the attribute shall have this value; missing blocks on the way are added
	Remove ChangeOp = "remove" // the attribute or block shall not be there
	Add    ChangeOp = "add"    // one more block of this name shall be there
	Create ChangeOp = "create" // a companion resource shall stand beside the resource
)

// Companion is a resource that a fix creates.
type Companion struct {
	Type string
	Body value.Value // Object; a String "${this.id}" refers to the attribute id of the resource that is fixed
}
