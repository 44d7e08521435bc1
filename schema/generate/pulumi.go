package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"plumbline.dev/plumbline/schema"
)

// Pulumi's providers for the clouds are made of Terraform's by a machine. Which type was made of which is not in their npm
// packages; it is found again from the names, and of those that are near the one with the same properties. What cannot be
// found so is listed in pulumiTypes.

// pulumiPackages is the npm package of each of Pulumi's providers, and the prefix of Terraform's types that they are made of.
var pulumiPackages = map[string]struct{ file, prefix string }{
	"aws":   {"pulumi-aws-7.48.0.tgz", "aws_"},
	"azure": {"pulumi-azure-6.40.0.tgz", "azurerm_"},
	"gcp":   {"pulumi-gcp-9.37.0.tgz", "google_"},
}

// pulumiClass is what a package says of a resource type or of an object in one.
type pulumiClass struct {
	token   string
	aliases []string
	old     bool              // another class took its place
	members map[string]string // property: its type as TypeScript has it
}

// pulumiPackage is the types of a package: resources by token, objects by the name that they have in inputs.
type pulumiPackage struct {
	resources map[string]*pulumiClass
	objects   map[string]*pulumiClass
}

var (
	pulumiToken = regexp.MustCompile(`__pulumiType = '([^']+)'`)
	pulumiAlias = regexp.MustCompile(`type: "([a-z]+:[^"]+:[^"]+)"`)
	tsComment   = regexp.MustCompile(`(?s)/\*\*.*?\*/`)
	tsInterface = regexp.MustCompile(`(?m)^( *)(?:export )?interface (\w+) \{$`)
	tsNamespace = regexp.MustCompile(`(?m)^(?:export )?(?:declare )?namespace (\w+) \{$`)
	tsMember    = regexp.MustCompile(`^\s+(\w+)\??: (.*[;{])$`)
	tsObject    = regexp.MustCompile(`inputs\.([\w.]+)`)
)

// readPulumi reads a package as npm pack leaves it.
func readPulumi(file string) (*pulumiPackage, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	p := &pulumiPackage{map[string]*pulumiClass{}, map[string]*pulumiClass{}}
	scripts, arguments := map[string]string{}, map[string]map[string]string{}
	for t := tar.NewReader(z); ; {
		head, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		script, typings := strings.HasSuffix(head.Name, ".js"), strings.HasSuffix(head.Name, ".d.ts")
		if !script && !typings {
			continue
		}
		text, err := io.ReadAll(t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", head.Name, err)
		}
		switch name := strings.TrimSuffix(strings.TrimSuffix(head.Name, ".js"), ".d.ts"); {
		case script && pulumiToken.Match(text):
			scripts[name] = string(text)
		case typings && path.Base(name) == "input" && path.Base(path.Dir(name)) == "types":
			for object, members := range interfaces(string(text)) {
				p.objects[object] = &pulumiClass{members: members}
			}
		case typings && bytes.Contains(text, []byte("Args {")):
			for object, members := range interfaces(string(text)) {
				if strings.HasSuffix(object, "Args") {
					arguments[name] = members
				}
			}
		}
	}
	for name, script := range scripts {
		c := &pulumiClass{token: pulumiToken.FindStringSubmatch(script)[1], members: arguments[name]}
		for _, m := range pulumiAlias.FindAllStringSubmatch(script, -1) {
			c.aliases = append(c.aliases, m[1])
		}
		c.old = strings.Contains(script, "deprecated in favor of")
		p.resources[c.token] = c
	}
	return p, nil
}

// interfaces reads the interfaces of a file of typings, by name; within a namespace as NAMESPACE.NAME.
func interfaces(text string) map[string]map[string]string {
	out := map[string]map[string]string{}
	var namespace string
	var members map[string]string
	for line := range strings.SplitSeq(tsComment.ReplaceAllString(text, ""), "\n") {
		if m := tsNamespace.FindStringSubmatch(line); m != nil {
			namespace = m[1] + "."
		} else if m := tsInterface.FindStringSubmatch(line); m != nil {
			if m[1] == "" {
				namespace = ""
			}
			members = map[string]string{}
			out[namespace+m[2]] = members
		} else if m := tsMember.FindStringSubmatch(line); m != nil && members != nil {
			members[m[1]] = m[2]
		} else if strings.TrimSpace(line) == "}" {
			members = nil
		}
	}
	return out
}

func squash(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// pulumiNames makes pulumi.tsv: a line for each token with the type in Terraform, and the properties that are not called as
// schema.PulumiWords would call them.
func pulumiNames(folder, output string) error {
	set := schema.Load()
	lines := map[string]string{}
	for _, provider := range slices.Sorted(maps.Keys(pulumiPackages)) {
		from := pulumiPackages[provider]
		p, err := readPulumi(filepath.Join(folder, from.file))
		if err != nil {
			return err
		}
		m := &pulumiMatcher{set: set, pkg: p, prefix: from.prefix}
		for typ := range set.Types() {
			if name, ok := strings.CutPrefix(typ, from.prefix); ok {
				m.types = append(m.types, pulumiType{typ, squash(name), attributeWords(set.Resource(typ))})
			}
		}
		lost := 0
		best := map[string]float64{} // by type
		for _, c := range p.resources {
			if typ, score := m.match(c); !c.old {
				best[typ] = max(best[typ], score)
			}
		}
		for _, token := range slices.Sorted(maps.Keys(p.resources)) {
			c := p.resources[token]
			if strings.Count(token, ":") != 2 {
				continue // a provider
			}
			typ, score := m.match(c)
			if r := set.Resource(typ); r == nil || !c.old && score < best[typ] {
				lost++
				continue
			}
			found := typ
			if odd := m.exceptions(set.Resource(typ).Attributes, c.members, ""); len(odd) > 0 {
				found += "\t" + strings.Join(odd, ",")
			}
			lines[schema.ShortToken(token)] = found
			for _, alias := range c.aliases {
				if short := schema.ShortToken(alias); lines[short] == "" && p.resources[alias] == nil {
					lines[short] = found
				}
			}
		}
		fmt.Fprintf(os.Stderr, "%s: %d of %d types are Terraform's\n", provider, len(p.resources)-lost, len(p.resources))
	}
	var text strings.Builder
	for _, token := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(&text, "%s\t%s\n", token, lines[token])
	}
	return os.WriteFile(output, []byte(text.String()), 0o644)
}

// pulumiProperties are properties that were given a name of their own.
var pulumiProperties = map[string]string{"filename": "code", "private_link_access": "privateLinkAccessRules"}

// camelCut cuts an end off a name, and returns otherwise in its place, or what is left as programs write it; "" when the name has
// no such end.
func camelCut(name, end, otherwise string) string {
	rest, ok := strings.CutSuffix(name, end)
	if !ok || otherwise != "" {
		if !ok {
			return ""
		}
		return otherwise
	}
	return schema.PulumiWords(&schema.Attribute{Name: rest})[0]
}

// pulumiType is a type of Terraform's that a token may stand for.
type pulumiType struct {
	name, squashed string
	words          map[string]bool // what its attributes may be called
}

// pulumiMatcher finds the types of one provider.
type pulumiMatcher struct {
	set    *schema.Set
	pkg    *pulumiPackage
	prefix string
	types  []pulumiType
}

// attributeWords returns what the attributes of a type that can be written may be called.
func attributeWords(r *schema.Resource) map[string]bool {
	out := map[string]bool{}
	for i := range r.Attributes {
		a := &r.Attributes[i]
		if a.Name != "id" && a.Name != "timeouts" && (a.Optional || a.Required || a.Nesting != schema.None) {
			out[loose(a.Name)] = true
		}
	}
	return out
}

// loose is what is left of a name when case, underscores and plural do not count.
func loose(name string) string {
	s := squash(name)
	s = strings.TrimSuffix(s, "s")
	if strings.HasSuffix(s, "ie") {
		s = strings.TrimSuffix(s, "ie") + "y"
	}
	return strings.TrimSuffix(s, "e")
}

// pulumiTypes are the tokens whose types are not found.
var pulumiTypes = map[string]string{
	"aws:lb:LoadBalancer":                       "aws_lb",
	"aws:alb:LoadBalancer":                      "aws_alb",
	"aws:rds:ClusterSnapshot":                   "aws_db_cluster_snapshot",
	"aws:rds:ParameterGroup":                    "aws_db_parameter_group",
	"aws:rds:SubnetGroup":                       "aws_db_subnet_group",
	"azure:appconfiguration:ConfigurationStore": "azurerm_app_configuration",
	"azure:webpubsub:Service":                   "azurerm_web_pubsub",
	"gcp:projects:IAMMember":                    "google_project_iam_member",
	"gcp:projects:IAMPolicy":                    "google_project_iam_policy",
	"gcp:tpu:V2Vm":                              "google_tpu_v2_vm",
}

// match returns the type in Terraform that a class was made of, or "", and how sure that is.
func (m *pulumiMatcher) match(c *pulumiClass) (string, float64) {
	short := schema.ShortToken(c.token)
	if typ, ok := pulumiTypes[short]; ok {
		return typ, 9
	}
	parts := strings.Split(short, ":")
	if len(parts) != 3 {
		return "", 0
	}
	module, name := squash(parts[1]), squash(parts[2])
	have := map[string]bool{}
	for p := range c.members {
		have[loose(p)] = true
	}
	best, most := "", 0.0
	for _, t := range m.types {
		both := 0
		for w := range have {
			if t.words[w] {
				both++
			}
		}
		alike := float64(both+1) / float64(len(have)+len(t.words)-both+1)
		score := alike
		switch {
		case t.squashed == module+name, t.squashed == name && alike > 0.5:
			score += 1
		case strings.HasSuffix(t.squashed, name) && strings.HasPrefix(t.squashed, module):
			score += 0.8
		case strings.HasSuffix(t.squashed, name):
			score += 0.5
		case strings.HasSuffix(name, t.squashed), strings.Contains(t.squashed, name):
			score += 0.3
		}
		named := score > alike
		if score > most && (named && alike > 0.35 || alike > 0.8 && both > 3) {
			best, most = t.name, score
		}
	}
	if most < 0.8 {
		return "", 0
	}
	return best, most
}

// exceptions returns path=name for the attributes whose property is called otherwise than schema.PulumiWords would.
func (m *pulumiMatcher) exceptions(attributes []schema.Attribute, members map[string]string, path string) []string {
	var out []string
	if len(path) > 400 || strings.Count(path, ".") > 5 {
		return nil
	}
	taken := map[string]bool{}
	lost := []*schema.Attribute{}
	found := map[*schema.Attribute]string{}
	for i := range attributes {
		a := &attributes[i]
		if a.Computed && !a.Optional {
			continue
		}
		words := schema.PulumiWords(a)
		at := slices.IndexFunc(words, func(w string) bool { return members[w] != "" })
		if at < 0 {
			lost = append(lost, a)
			continue
		}
		found[a] = words[at]
		taken[words[at]] = true
		if at > 0 {
			out = append(out, path+a.Name+"="+words[at])
		}
	}
	for _, a := range lost {
		for _, p := range slices.Sorted(maps.Keys(members)) {
			if !taken[p] && loose(p) == loose(a.Name) {
				taken[p], found[a] = true, p
				out = append(out, path+a.Name+"="+p)
				break
			}
		}
	}
	for _, a := range lost { // what refers to another resource loses what of it is meant, and a name whose name it is
		for _, p := range [...]string{pulumiProperties[a.Name], camelCut(a.Name, "_name", "name"), camelCut(a.Name, "_id", ""), camelCut(a.Name, "_arn", ""), camelCut(a.Name, "_name", ""), camelCut(a.Name, "_label", "")} {
			if found[a] == "" && p != "" && members[p] != "" && !taken[p] {
				taken[p], found[a] = true, p
				out = append(out, path+a.Name+"="+p)
			}
		}
	}
	for i := range attributes {
		a := &attributes[i]
		if o := tsObject.FindStringSubmatch(members[found[a]]); found[a] != "" && o != nil && len(a.Attributes) > 0 {
			if object := m.pkg.objects[o[1]]; object != nil {
				out = append(out, m.exceptions(a.Attributes, object.members, path+a.Name+".")...)
			}
		}
	}
	return out
}
