package scan

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/finding"
)

// Comments that were written for other scanners keep working where their ids are aliases of our rules. What they say is
// taken as their own documentation has it; what only the other scanner can know (workspaces, attribute conditions) makes
// a comment not count here.

var (
	checkovSkip = regexp.MustCompile(`(?:checkov|bridgecrew|cortex):skip= *([A-Za-z_\d-]+(?:,[A-Za-z_\d-]+)*)(:.*)?`)
	kicsCommand = regexp.MustCompile(`^(?:kics-scan|dd-iac-scan)\s+(ignore-line|ignore-block|ignore|disable=\S+)\s*$`)
)

// parseForeign reads one line of a comment that is not ours.
func parseForeign(line string, alone, leading bool) []directive {
	if m := checkovSkip.FindStringSubmatch(line); m != nil {
		reason := strings.TrimSpace(strings.TrimPrefix(m[2], ":"))
		return []directive{foreign(checkov, scopeInside, strings.Split(m[1], ","), reason)}
	}
	if m := kicsCommand.FindStringSubmatch(strings.ToLower(line)); m != nil && alone {
		return parseKICS(m[1], leading)
	}
	var out []directive
	for word := range strings.FieldsSeq(line) {
		if d, ok := parseTrivy(strings.TrimLeft(word, "#/*")); ok {
			out = append(out, d)
		}
	}
	return out
}

func foreign(s scanner, reach scope, names []string, reason string) directive {
	return directive{scanner: s, scope: reach, names: names,
		suppression: finding.Suppression{Kind: finding.Inline, Rules: names, Reason: reason}}
}

// parseKICS reads a command of KICS or its offspring. Those about the whole file count only at its top.
func parseKICS(command string, leading bool) []directive {
	switch {
	case command == "ignore-line":
		return []directive{foreign(kics, scopeLines, []string{"*"}, "")}
	case command == "ignore-block":
		return []directive{foreign(kics, scopeBelow, []string{"*"}, "")}
	case !leading:
		return nil
	case command == "ignore":
		return []directive{foreign(kics, scopeFile, []string{"*"}, "")}
	}
	ids := strings.Split(strings.TrimPrefix(command, "disable="), ",")
	d := foreign(kics, scopeFile, ids, "")
	d.disable = true
	return []directive{d}
}

// lastCommandWins leaves out what KICS would not hear: of several disable commands, all but the last.
func lastCommandWins(list []*directive) []*directive {
	var out []*directive
	disabled := false
	for _, d := range slices.Backward(list) {
		if !d.disable || !disabled {
			out = append(out, d)
		}
		disabled = disabled || d.disable
	}
	slices.Reverse(out)
	return out
}

// parseTrivy reads one word of a comment for Trivy or tfsec: pairs of keys and values, all joined by colons.
func parseTrivy(word string) (directive, bool) {
	rest, ok := strings.CutPrefix(word, "trivy:")
	if !ok {
		if rest, ok = strings.CutPrefix(word, "tfsec:"); !ok {
			return directive{}, false
		}
	}
	parts := strings.Split(rest, ":")
	if len(parts)%2 != 0 {
		return directive{}, false
	}
	d := foreign(trivy, scopePlace, nil, "")
	for i := 0; i < len(parts); i += 2 {
		key, val := parts[i], parts[i+1]
		switch key {
		case "ignore":
			d.names = append(d.names, val)
		case "exp":
			day, err := time.Parse(time.DateOnly, val)
			if err != nil {
				return directive{}, false
			}
			d.suppression.Until = day
		default:
			return directive{}, false
		}
	}
	d.suppression.Rules = d.names
	conditional := slices.ContainsFunc(d.names, func(n string) bool { return strings.Contains(n, "[") })
	return d, len(d.names) > 0 && !conditional
}
