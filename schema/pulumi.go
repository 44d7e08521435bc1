package schema

import (
	_ "embed" // see table.go
	"slices"
	"strings"
	"sync"
)

// pulumi holds a row per type of Pulumi's providers for AWS, Azure (classic) and Google Cloud: the token without the file
// (aws:s3:Bucket of aws:s3/bucket:Bucket), the type in Terraform, and the properties whose names do not follow from Terraform's:
// path=name, with commas between them.
//
//go:embed data/pulumi.txt
var pulumi string

// pulumiDerivation is the names of Pulumi.
func pulumiDerivation() *derivation {
	tokens := sync.OnceValue(func() map[string][]string { // tokens by type
		out := make(map[string][]string)
		for token, rest := range table(pulumi).all() {
			typ, _, _ := strings.Cut(rest, "\t")
			out[typ] = append(out[typ], token)
		}
		for typ, all := range out {
			slices.SortStableFunc(all, func(a, b string) int { return likeness(b, typ) - likeness(a, typ) })
		}
		return out
	})
	var mu sync.Mutex
	exceptions := make(map[string]map[string]string)
	return &derivation{
		terraform: func(token string) string {
			typ, _ := pulumiRow(token)
			return typ
		},
		natives: func(typ string) []string {
			return tokens()[typ]
		},
		words: func(token, path string, a *Attribute) []string {
			mu.Lock()
			defer mu.Unlock()
			of, ok := exceptions[token]
			if !ok {
				_, text := pulumiRow(token)
				of = make(map[string]string)
				for pair := range strings.SplitSeq(text, ",") {
					if path, name, ok := strings.Cut(pair, "="); ok {
						of[path] = name
					}
				}
				exceptions[token] = of
			}
			words := PulumiWords(a)
			if name := of[path]; name != "" {
				words = slices.DeleteFunc(words, func(w string) bool { return w == name })
				words = append([]string{name}, words...)
			}
			return words
		},
	}
}

func pulumiRow(token string) (typ, odd string) {
	for _, rest := range table(pulumi).rows(ShortToken(token)) {
		typ, odd, _ = strings.Cut(rest, "\t")
	}
	return typ, odd
}

// likeness says how much of a type's name a token has; of several tokens for a type, the one with the most is the usual one. What
// Pulumi gave up ends in V2.
func likeness(token, typ string) int {
	name := squash(typ)
	module, class, _ := strings.Cut(token[strings.IndexByte(token, ':')+1:], ":")
	n := 0
	if strings.HasSuffix(name, squash(class)) {
		n += 2 * len(class)
	}
	if strings.Contains(name, squash(module)) {
		n += len(module)
	}
	return n
}

// ShortToken leaves the file out of a type token of Pulumi: aws:s3/bucket:Bucket is aws:s3:Bucket.
func ShortToken(token string) string {
	provider, rest, _ := strings.Cut(token, ":")
	module, name, ok := strings.Cut(rest, ":")
	if !ok { // aws:Provider; short for a module called index
		return provider + ":index:" + rest
	}
	module, _, _ = strings.Cut(module, "/")
	return provider + ":" + module + ":" + name
}

// PulumiWords returns what an attribute of Terraform is called in Pulumi, unless the table says otherwise: in the plural where
// there may be several, https://www.pulumi.com/docs/iac/extending-pulumi/. The singular is understood too.
func PulumiWords(a *Attribute) []string {
	name := camel(a.Name)
	if several := a.Nesting == List || a.Nesting == Unordered || a.Nesting == None && (a.Type.Kind == ListOf || a.Type.Kind == SetOf); several {
		if many := plural(name); many != name {
			return []string{many, name}
		}
		return []string{name}
	}
	if many := plural(name); many != name && a.Nesting == One {
		return []string{name, many}
	}
	return []string{name}
}

// plural is the plural of a word as the inflector that Pulumi uses makes it.
func plural(name string) string {
	lower := strings.ToLower(name)
	for _, end := range uncountable {
		if strings.HasSuffix(lower, end) {
			return name
		}
	}
	cut := func(n int, add string) string { return name[:len(name)-n] + add }
	switch {
	case name == "" || strings.HasSuffix(lower, "s") && !strings.HasSuffix(lower, "ss") && !strings.HasSuffix(lower, "us") && !strings.HasSuffix(lower, "is") && !strings.HasSuffix(lower, "as"):
		return name
	case strings.HasSuffix(lower, "index") || strings.HasSuffix(lower, "vertex") || strings.HasSuffix(lower, "matrix"):
		return cut(2, "ices")
	case strings.HasSuffix(lower, "alias"), strings.HasSuffix(lower, "status"), strings.HasSuffix(lower, "virus"), strings.HasSuffix(lower, "bus"):
		return name + "es"
	case strings.HasSuffix(lower, "sis"):
		return cut(2, "es")
	case strings.HasSuffix(lower, "ss"), strings.HasSuffix(lower, "x"), strings.HasSuffix(lower, "ch"), strings.HasSuffix(lower, "sh"):
		return name + "es"
	case strings.HasSuffix(lower, "y") && len(lower) > 1 && !strings.ContainsRune("aeiou", rune(lower[len(lower)-2])):
		return cut(1, "ies")
	}
	return name + "s"
}

// uncountable words have no plural.
var uncountable = [...]string{"metadata", "information", "equipment", "news", "data"}
