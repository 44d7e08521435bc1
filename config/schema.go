package config

import _ "embed"

// Schema is the JSON Schema of the settings file, for editors. It accepts what Load accepts, except that it cannot see
// keys that stand twice, nor YAML's aliases.
//
//go:embed schema.json
var Schema []byte

//go:embed template.yaml
var template string

// Template returns a settings file in which everything is explained and commented out.
func Template() string { return template }
