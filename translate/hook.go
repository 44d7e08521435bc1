package translate

import "plumbline.dev/plumbline/resource"

// hook finishes the resources that a block made of one native resource: the first is the resource itself. It may change them
// and add to them. It must not change what is in the native resource.
type hook func(n *Native, made []*resource.Resource) []*resource.Resource

// hooks are what "hook NAME" in a block names.
var hooks = map[string]hook{"ports": ports}

// converters are what "| hook NAME" behind a row names.
var converters = map[string]conversion{}
