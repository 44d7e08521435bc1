package api

import (
	"bytes"
	"encoding/json"

	"plumbline.dev/plumbline/rule"
)

// identities are the members of an upload by which things are known: hidden, they would be other things.
var identities = map[string]bool{"ID": true, "Twin": true, "Rule": true, "Address": true, "Type": true, "File": true, "Unit": true}

// masked writes what came with an upload as JSON, without what looks like a secret: the tools of others quote whatever they find.
func masked(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var tree any
	if err := in.Decode(&tree); err != nil {
		return nil, err
	}
	return json.Marshal(mask(tree))
}

func mask(v any) any {
	switch v := v.(type) {
	case string:
		return rule.Masked(v)
	case []any:
		for i := range v {
			v[i] = mask(v[i])
		}
	case map[string]any:
		for name := range v {
			if !identities[name] {
				v[name] = mask(v[name])
			}
		}
	}
	return v
}
