package config

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// settings reads the keys of the file. A key with nothing after it counts as not written, so that everything below it can
// be commented out.
func (r *reader) settings(root *yaml.Node) {
	known := map[string]field{
		"version":    r.version,
		"rules":      r.rules,
		"select":     r.selected,
		"frameworks": r.frameworks,
		"threshold":  r.threshold,
		"undecided":  r.undecided,
		"paths":      r.paths,
		"ignore":     r.ignore,
		"problems":   r.problems,
		"terraform":  r.terraform,
		"rule-pages": r.rulePages,
		"baseline":   r.baseline,
		"report":     r.report,
		"cache":      r.cache,
	}
	for key, read := range known {
		if key != "version" {
			known[key] = unlessNull(read)
		}
	}
	r.fields(root, "the settings file", known)
}

func unlessNull(read field) field {
	return func(key, value *yaml.Node) {
		if !isNull(value) {
			read(key, value)
		}
	}
}

func (r *reader) overlay(change func(*Settings)) { r.layer.overlays = append(r.layer.overlays, change) }

func (r *reader) version(_, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.Value != "1" || n.ShortTag() != "!!int" {
		r.fail(n, "version cannot be %s: this program reads version 1", describe(n))
	}
}

func (r *reader) rules(_, n *yaml.Node) {
	var list []RuleSetting
	r.entries(n, "rules", func(key, value *yaml.Node) {
		if !r.rulePattern(key, key.Value) {
			return
		}
		r.layer.names = append(r.layer.names, name{ruleName, key.Value, key})
		setting := RuleSetting{Pattern: key.Value}
		if value.Kind != yaml.MappingNode {
			word, _ := r.choice(value, "a rule", append([]string{"off"}, severityWords...)...)
			setting.Switch, setting.Severity = On, severityOf(word)
			if word == "off" {
				setting.Switch = Off
			}
			list = append(list, setting)
			return
		}
		r.fields(value, "a rule", map[string]field{
			"severity": func(_, n *yaml.Node) {
				word, _ := r.choice(n, "severity", severityWords...)
				setting.Severity = severityOf(word)
			},
			"enabled": func(_, n *yaml.Node) {
				switch {
				case n.ShortTag() != "!!bool":
					r.fail(n, "enabled cannot be %s: it can be true or false", describe(n))
				case strings.EqualFold(n.Value, "true"):
					setting.Switch = On
				default:
					setting.Switch = Off
				}
			},
		})
		list = append(list, setting)
	})
	// The closer a pattern says which rule it means, the later it comes, so that it wins whatever the order in the file.
	slices.SortStableFunc(list, func(a, b RuleSetting) int { return precision(a.Pattern) - precision(b.Pattern) })
	r.overlay(func(s *Settings) { s.Rules = slices.Concat(s.Rules, list) })
}

// precision orders patterns of rules: globs by how many characters they fix, then names.
func precision(pattern string) int {
	wild := strings.Count(pattern, "*") + strings.Count(pattern, "?")
	if wild == 0 {
		return 1000
	}
	return len(pattern) - wild
}

func (r *reader) selected(_, n *yaml.Node) {
	list := r.names(n, "select", ruleName)
	r.overlay(func(s *Settings) { s.Select = list })
}

func (r *reader) frameworks(_, n *yaml.Node) {
	list := r.names(n, "frameworks", frameworkName)
	r.overlay(func(s *Settings) { s.Frameworks = list })
}

func (r *reader) threshold(_, n *yaml.Node) {
	if word, ok := r.choice(n, "threshold", append(slices.Clone(severityWords), "none")...); ok {
		severity := severityOf(word)
		r.overlay(func(s *Settings) { s.Threshold = severity })
	}
}

func (r *reader) undecided(_, n *yaml.Node) {
	if word, ok := r.choice(n, "undecided", string(ReportUndecided), string(HideUndecided), string(FailUndecided)); ok {
		r.overlay(func(s *Settings) { s.Undecided = Undecided(word) })
	}
}

func (r *reader) paths(_, n *yaml.Node) {
	r.fields(n, "paths", map[string]field{
		"include": unlessNull(func(_, n *yaml.Node) {
			list := r.globs(n, "paths.include", true)
			r.overlay(func(s *Settings) { s.Include = list })
		}),
		"exclude": unlessNull(func(_, n *yaml.Node) {
			list := r.globs(n, "paths.exclude", true)
			r.overlay(func(s *Settings) { s.Exclude = slices.Concat(s.Exclude, list) })
		}),
	})
}

func (r *reader) ignore(_, n *yaml.Node) {
	r.items(n, "ignore", false, func(item *yaml.Node) {
		before := len(r.mistakes)
		g := &Ignore{Folder: r.folder, Suppression: finding.Suppression{Kind: finding.Settings, Location: r.location(item)}}
		given := false
		r.fields(item, "an entry of ignore", map[string]field{
			"rules": func(key, n *yaml.Node) {
				given = true
				g.Rules = r.some(key, r.names(n, "rules", ruleName))
			},
			"paths": func(key, n *yaml.Node) {
				given = true
				if g.Paths = r.globs(n, "paths", true); len(g.Paths) == 0 {
					r.fail(key, "paths names nothing")
				}
			},
			"resources": func(key, n *yaml.Node) {
				given = true
				g.Resources = r.some(key, r.texts(n, "resources", true))
			},
			"reason": func(_, n *yaml.Node) { g.Suppression.Reason, _ = r.text(n, "reason") },
			"until":  func(_, n *yaml.Node) { g.Suppression.Until, _ = r.date(n, "until") },
		})
		if len(r.mistakes) > before {
			return // half an entry could ignore more than was meant
		}
		if !given {
			r.fail(item, "an entry of ignore must name rules, paths or resources")
			return
		}
		if g.Suppression.Rules = g.Rules; len(g.Rules) == 0 {
			g.Suppression.Rules = []string{"*"}
		}
		r.layer.ignores = append(r.layer.ignores, g)
	})
}

// some refuses the empty list where it would mean everything.
func (r *reader) some(key *yaml.Node, list []string) []string {
	if len(list) == 0 {
		r.fail(key, "%s names nothing", key.Value)
	}
	return list
}

func (r *reader) problems(_, n *yaml.Node) {
	known := map[string]field{}
	for _, kind := range []source.ProblemKind{source.Unreadable, source.Invalid, source.Unresolved, source.Limit} {
		known[string(kind)] = unlessNull(func(_, n *yaml.Node) {
			word, ok := r.choice(n, "problems."+string(kind), "allow", "fail")
			if !ok {
				return
			}
			r.overlay(func(s *Settings) {
				s.Tolerated = maps.Clone(s.Tolerated)
				s.Tolerated[kind] = word == "allow"
			})
		})
	}
	r.fields(n, "problems", known)
}

func (r *reader) terraform(_, n *yaml.Node) {
	r.fields(n, "terraform", map[string]field{
		"workspace": unlessNull(func(_, n *yaml.Node) {
			if word, ok := r.text(n, "terraform.workspace"); ok {
				r.overlay(func(s *Settings) { s.Terraform.Workspace = word })
			}
		}),
		"units": unlessNull(func(_, n *yaml.Node) {
			r.entries(n, "terraform.units", r.unit)
		}),
	})
}

func (r *reader) unit(key, value *yaml.Node) {
	glob, err := NewGlob(r.folder, key.Value)
	if err != nil {
		r.fail(key, "terraform.units: %v", err)
		return
	}
	u := UnitSetting{Dir: glob}
	r.fields(value, "a unit", map[string]field{
		"workspace": func(_, n *yaml.Node) { u.Workspace, _ = r.text(n, "workspace") },
		"variants": func(_, n *yaml.Node) {
			r.entries(n, "variants", func(key, value *yaml.Node) {
				v := Variant{Name: key.Value}
				if !variantName(v.Name) {
					r.fail(key, "%q is not the name of a variant: names are letters, digits, -, _ and .", clip(v.Name))
					return
				}
				r.items(value, "variant "+v.Name, true, func(item *yaml.Node) {
					if file, ok := r.varFile(item); ok {
						v.Files = append(v.Files, file)
					}
				})
				u.Variants = append(u.Variants, v)
			})
		},
	})
	r.overlay(func(s *Settings) { s.Terraform.Units = append(slices.Clip(s.Terraform.Units), u) })
}

func variantName(s string) bool {
	return rulePattern().MatchString(s) && !strings.ContainsAny(s, "*?")
}

// varFile reads the path of a tfvars file, relative to the folder of the unit, which a glob leaves open: so it may go up,
// and the tree itself refuses what leads out of it.
func (r *reader) varFile(n *yaml.Node) (string, bool) {
	s, ok := r.text(n, "a file of a variant")
	switch {
	case !ok:
	case strings.HasPrefix(s, "/"), drive().MatchString(s), strings.Contains(s, `\`):
		r.fail(n, "a file of a variant must be relative to the folder of the unit, written with /")
	default:
		return s, true
	}
	return "", false
}

func (r *reader) rulePages(key, n *yaml.Node) {
	r.layer.runKeys = append(r.layer.runKeys, key)
	r.items(n, "rule-pages", true, func(item *yaml.Node) {
		if p, ok := r.inTree(item, "rule-pages"); ok {
			r.layer.run.RulePages = append(r.layer.run.RulePages, p)
		}
	})
}

func (r *reader) baseline(key, n *yaml.Node) {
	r.layer.runKeys = append(r.layer.runKeys, key)
	r.layer.run.Baseline, _ = r.inTree(n, "baseline")
}

func (r *reader) report(key, n *yaml.Node) {
	r.layer.runKeys = append(r.layer.runKeys, key)
	r.items(n, "report", true, func(item *yaml.Node) {
		s, ok := r.text(item, "report")
		if !ok {
			return
		}
		format, file, toFile := strings.Cut(s, "=")
		if format == "" || toFile && file == "" {
			r.fail(item, "report cannot be %s: write FORMAT or FORMAT=FILE", describe(item))
			return
		}
		if toFile {
			if file, ok = r.pathInTree(item, "report", file); !ok {
				return
			}
		}
		r.layer.names = append(r.layer.names, name{formatName, format, item})
		r.layer.run.Reports = append(r.layer.run.Reports, Output{Format: format, File: file})
	})
}

// cache can only be switched off here: what a cache holds is believed, so it never lies in the tree that is scanned.
func (r *reader) cache(key, n *yaml.Node) {
	r.layer.runKeys = append(r.layer.runKeys, key)
	_, r.layer.run.CacheOff = r.choice(n, "cache", "off")
}
