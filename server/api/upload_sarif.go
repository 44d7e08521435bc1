package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/store"
)

// The parts of SARIF 2.1.0 that are taken in (https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/).

type sarifArtifact struct {
	URI       string `json:"uri"`
	URIBaseID string `json:"uriBaseId"`
	Index     *int   `json:"index"`
}

type sarifRegion struct {
	StartLine, StartColumn, EndLine, EndColumn int
	Snippet                                    *struct{ Text string }
}

type sarifLocation struct {
	PhysicalLocation struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           sarifRegion   `json:"region"`
		ContextRegion    sarifRegion   `json:"contextRegion"`
	} `json:"physicalLocation"`
	LogicalLocations []struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Name               string `json:"name"`
	} `json:"logicalLocations"`
}

// sarifPlaces is the first of a list of places: nobody needs a million of them.
type sarifPlaces []sarifLocation

// UnmarshalJSON reads the first one. The text is JSON.
func (p *sarifPlaces) UnmarshalJSON(text []byte) error {
	in := json.NewDecoder(bytes.NewReader(text))
	if t, err := in.Token(); err != nil || t != json.Delim('[') || !in.More() {
		return err
	}
	*p = make(sarifPlaces, 1)
	return in.Decode(&(*p)[0])
}

type sarifRuleRef struct {
	ID            string `json:"id"`
	Index         *int   `json:"index"`
	ToolComponent struct {
		Index *int `json:"index"`
	} `json:"toolComponent"`
}

type sarifResult struct {
	RuleID              string            `json:"ruleId"`
	RuleIndex           *int              `json:"ruleIndex"`
	Rule                sarifRuleRef      `json:"rule"`
	Kind                string            `json:"kind"`
	Level               string            `json:"level"`
	BaselineState       string            `json:"baselineState"`
	Message             sarifMessage      `json:"message"`
	Locations           sarifPlaces       `json:"locations"`
	Fingerprints        map[string]string `json:"fingerprints"`
	PartialFingerprints map[string]string `json:"partialFingerprints"`
	Suppressions        []struct {
		Status        string `json:"status"`
		Justification string `json:"justification"`
	} `json:"suppressions"`
	Properties sarifProperties `json:"properties"`
}

type sarifMessage struct {
	Text      string   `json:"text"`
	ID        string   `json:"id"`
	Arguments []string `json:"arguments"`
}

// sarifProperties has the properties by which tools say how bad something is; of other types than expected they count as absent.
type sarifProperties struct {
	Severity         any `json:"severity"`
	SecuritySeverity any `json:"security-severity"`
}

type sarifRule struct {
	ID                   string `json:"id"`
	ShortDescription     struct{ Text string }
	DefaultConfiguration struct{ Level string }
	MessageStrings       map[string]struct{ Text string }
	Properties           sarifProperties
}

// sarifRun is what is kept of a run until all of it is read, because its parts come in any order.
type sarifRun struct {
	tool      string
	rules     [][]sarifRule // of the driver, then of the extensions
	results   []sarifResult
	artifacts []sarifArtifact
	bases     map[string]sarifArtifact
}

// readSARIF reads a log from where its object begins.
func (s *Service) readSARIF(in *stream, u *uploaded) error {
	version := ""
	if err := in.object(func(name string) error {
		switch name {
		case "version":
			return in.value(&version)
		case "runs":
			return in.array(func() error { return s.readRun(in, u) })
		}
		return in.skip()
	}); err != nil {
		return err
	}
	if version != "2.1.0" {
		return store.Refuse(store.Invalid, "The log is of SARIF %q: version 2.1.0 is taken.", clip(version))
	}
	return in.end()
}

func (s *Service) readRun(in *stream, u *uploaded) error {
	run := &sarifRun{bases: map[string]sarifArtifact{}, rules: [][]sarifRule{nil}}
	rules := 0
	component := func(at int) error {
		return in.object(func(name string) error {
			switch {
			case name == "name" && at == 0:
				return in.value(&run.tool)
			case name == "rules":
				return in.array(func() error {
					var r sarifRule
					if err := in.value(&r); err != nil {
						return err
					}
					if rules++; rules > maxResults {
						return store.Refuse(store.Invalid, "The log describes more than %d rules.", maxResults)
					}
					r.ShortDescription.Text = cut(r.ShortDescription.Text, maxMessage)
					for k, m := range r.MessageStrings {
						m.Text = cut(m.Text, maxMessage)
						r.MessageStrings[k] = m
					}
					run.rules[at] = append(run.rules[at], r)
					return nil
				})
			}
			return in.skip()
		})
	}
	if err := in.object(func(name string) error {
		switch name {
		case "tool":
			return in.object(func(name string) error {
				switch name {
				case "driver":
					return component(0)
				case "extensions":
					return in.array(func() error {
						if len(run.rules) > 100 {
							return store.Refuse(store.Invalid, "The tool has more than 100 extensions.")
						}
						run.rules = append(run.rules, nil)
						return component(len(run.rules) - 1)
					})
				}
				return in.skip()
			})
		case "results":
			return in.array(func() error {
				var r sarifResult
				if err := in.value(&r); err != nil {
					return err
				}
				if u.results++; u.results > maxResults {
					return store.Refuse(store.Invalid, "The upload has more than %d results.", maxResults)
				}
				r.Message.Text = cut(r.Message.Text, maxMessage)
				run.results = append(run.results, r)
				return nil
			})
		case "artifacts":
			return in.array(func() error {
				var a struct {
					Location sarifArtifact `json:"location"`
				}
				if err := in.value(&a); err != nil {
					return err
				}
				if len(run.artifacts) >= 200_000 {
					return store.Refuse(store.Invalid, "The log names more than 200,000 files.")
				}
				run.artifacts = append(run.artifacts, a.Location)
				return nil
			})
		case "originalUriBaseIds":
			return in.value(&run.bases)
		case "versionControlProvenance":
			return in.array(func() error {
				var p struct{ RepositoryURI, RevisionID, Branch string }
				if err := in.value(&p); err != nil {
					return err
				}
				if u.commit == "" && len(p.RepositoryURI) <= 2000 && len(p.Branch) <= 250 {
					u.repository, u.branch, u.commit = p.RepositoryURI, p.Branch, p.RevisionID
				}
				return nil
			})
		}
		return in.skip()
	}); err != nil {
		return err
	}
	return s.takeRun(run, u)
}

// takeRun turns the results of a run into findings.
func (s *Service) takeRun(run *sarifRun, u *uploaded) error {
	tool := toolName(run.tool)
	if tool == "" {
		return store.Refuse(store.Invalid, "The log does not name its tool: runs[].tool.driver.name.")
	}
	maker := store.Maker(tool)
	if tool == "plumbline" {
		maker = ""
	}
	if _, ok := u.found[maker]; !ok {
		u.found[maker] = nil // a clean run says that everything is fixed
	}
	seen := map[string]int{}
	for i := range run.results {
		r := &run.results[i]
		outcome := finding.Fail
		switch r.Kind {
		case "", "fail":
		case "open", "review":
			outcome = finding.Undecided
		default:
			u.skipped["is no finding (kind "+cut(r.Kind, 40)+")"]++
			continue
		}
		if r.BaselineState == "absent" {
			u.skipped["is not there any more (baselineState absent)"]++
			continue
		}
		f, reason, err := s.sarifFinding(run, r, tool)
		if err != nil {
			return err
		}
		if reason != "" {
			u.skipped[reason]++
			continue
		}
		f.Outcome = outcome
		f.identify(r, maker, seen)
		u.found[maker] = append(u.found[maker], *f)
	}
	return nil
}

// sarifFinding reads a result; reason says why it is left out.
func (s *Service) sarifFinding(run *sarifRun, r *sarifResult, tool string) (f *uploadedFinding, reason string, err error) {
	rule := run.rule(r)
	id := visible(cut(cmp.Or(r.RuleID, r.Rule.ID, rule.ID), maxIdentifier))
	if id == "" {
		return nil, "names no rule", nil
	}
	var at sarifLocation
	if len(r.Locations) > 0 {
		at = r.Locations[0]
	}
	file, ok := run.file(at.PhysicalLocation.ArtifactLocation)
	if !ok {
		return nil, "names a file outside of the repository", nil
	}
	region, around := at.PhysicalLocation.Region, at.PhysicalLocation.ContextRegion
	f = &uploadedFinding{category: "configuration"}
	f.Rule, f.Severity = tool+"/"+id, sarifSeverity(r, &rule)
	f.Message = cut(cmp.Or(r.Message.fill(&rule), rule.ShortDescription.Text, id), maxMessage)
	if known, err := s.catalogue.rule(id); err != nil {
		return nil, "", err
	} else if known != nil {
		f.Rule, f.category, f.Resource.Provider = known.ID, string(known.Category), providerOf(known)
	}
	f.Location = finding.Location{Range: source.Range{File: file}, From: source.Position{Line: max(0, region.StartLine), Column: max(0, region.StartColumn)},
		To: source.Position{Line: max(0, region.EndLine), Column: max(0, region.EndColumn)}}
	if len(at.LogicalLocations) > 0 {
		f.Resource.Address = cut(cmp.Or(at.LogicalLocations[0].FullyQualifiedName, at.LogicalLocations[0].Name), maxIdentifier)
	}
	f.Resource.Unit = path.Dir(cmp.Or(file, "."))
	for _, one := range r.Suppressions {
		if one.Status == "" || one.Status == "accepted" {
			f.Suppression = &finding.Suppression{Kind: finding.Settings, Reason: cut(one.Justification, maxMessage)}
		}
	}
	f.Secret = f.category == "secrets"
	if text := snippetOf(region, around); text.Snippet != nil && !f.Secret && file != "" {
		lines := shownLines(cut(text.Snippet.Text, maxMessage), nil)
		for i := range lines {
			lines[i] = cut(lines[i], 400)
		}
		f.Excerpt = &jobs.Excerpt{File: file, First: max(1, text.StartLine), Lines: lines, Mark: [2]int{region.StartLine, max(region.StartLine, region.EndLine)}}
	}
	return f, "", nil
}

func snippetOf(region, around sarifRegion) sarifRegion {
	if around.Snippet != nil {
		return around
	}
	return region
}

// identify names a finding without the numbers of lines where it can: by the tool's own fingerprints, else by rule, file, resource and
// text. Equal ones of one upload are counted, in their order.
func (f *uploadedFinding) identify(r *sarifResult, maker string, seen map[string]int) {
	if maker == "" {
		if f.ID, f.Twin = r.PartialFingerprints["plumbline/v1"], r.PartialFingerprints["plumblineTwin/v1"]; f.ID != "" && len(f.ID) <= 80 && len(f.Twin) <= 80 && store.MakerOf(f.ID) == "" && seen[f.ID] == 0 {
			seen[f.ID]++
			return
		}
		maker = store.Maker("plumbline (unsigned)")
	}
	prints := r.Fingerprints
	if len(prints) == 0 {
		prints = r.PartialFingerprints
	}
	what := []string{f.Rule, f.Outcome.String(), f.Resource.Address}
	own := false
	for _, k := range slices.Sorted(maps.Keys(prints)) {
		if prints[k] != "" {
			what, own = append(what, k, prints[k]), true
		}
	}
	if !own && f.Excerpt != nil {
		what, own = append(what, strings.Join(strings.Fields(strings.Join(f.Excerpt.Lines, " ")), " ")), true
	}
	if own {
		f.Twin = store.ForeignFingerprint(maker, append([]string{"twin"}, what...)...)
	} else {
		what = append(what, f.Message)
	}
	f.ID = store.ForeignFingerprint(maker, append(what, f.Location.File)...)
	if seen[f.ID]++; seen[f.ID] > 1 {
		f.ID = store.ForeignFingerprint(maker, append(what, f.Location.File, strconv.Itoa(seen[f.ID]))...)
	}
}

// rule is what the tool says about the rule of a result; the zero when it says nothing.
func (run *sarifRun) rule(r *sarifResult) sarifRule {
	list := run.rules[0]
	if n := r.Rule.ToolComponent.Index; n != nil {
		if *n < 0 || *n+1 >= len(run.rules) {
			return sarifRule{}
		}
		list = run.rules[*n+1]
	}
	for _, n := range []*int{r.RuleIndex, r.Rule.Index} {
		if n != nil && *n >= 0 && *n < len(list) {
			return list[*n]
		}
	}
	if id := cmp.Or(r.RuleID, r.Rule.ID); id != "" && len(list) <= 2000 {
		for i := range list {
			if list[i].ID == id {
				return list[i]
			}
		}
	}
	return sarifRule{}
}

// fill is the text of a message; one that is named is looked up with the rule.
func (m *sarifMessage) fill(rule *sarifRule) string {
	text := m.Text
	if text == "" && m.ID != "" {
		text = rule.MessageStrings[m.ID].Text
	}
	for i, a := range m.Arguments[:min(len(m.Arguments), 10)] {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", i), cut(a, maxIdentifier))
	}
	return text
}

// maxBases is how many names of folders lead from one to the other; they may go round in a circle.
const maxBases = 8

// file is the path of a result's file in the repository, "" when it has none; false when it lies outside.
func (run *sarifRun) file(a sarifArtifact) (string, bool) {
	for range maxBases {
		if a.URI != "" || a.Index == nil || *a.Index < 0 || *a.Index >= len(run.artifacts) {
			break
		}
		a = run.artifacts[*a.Index]
	}
	if a.URI == "" {
		return "", true
	}
	uri := strings.ReplaceAll(a.URI, `\`, "/")
	scheme, _, absolute := strings.Cut(uri, ":")
	if absolute && len(scheme) > 1 && !strings.ContainsAny(scheme, "/?#%") && !strings.EqualFold(scheme, "file") {
		return "", false
	}
	text, ok := decoded(uri)
	if !ok {
		return "", false
	}
	if !absolute && !strings.HasPrefix(text, "/") {
		return inRepository(text) // a base is where the repository was on another machine
	}
	for _, name := range slices.Sorted(maps.Keys(run.bases)) {
		if folder, ok := run.base(name); ok && strings.HasPrefix(text, folder) {
			return inRepository(strings.TrimPrefix(text, folder))
		}
	}
	return "", false
}

// base is the absolute folder that a name stands for, with a slash at its end.
func (run *sarifRun) base(name string) (string, bool) {
	below := ""
	for range maxBases {
		b, ok := run.bases[name]
		if !ok {
			return "", false
		}
		text, fine := decoded(strings.ReplaceAll(b.URI, `\`, "/"))
		if !fine {
			return "", false
		}
		below = text + below
		if b.URIBaseID == "" {
			clean := path.Clean(below)
			return strings.TrimSuffix(clean, "/") + "/", strings.HasPrefix(clean, "/") && clean != "/"
		}
		name = b.URIBaseID
	}
	return "", false
}

// decoded takes the percent signs and the scheme file out of an address.
func decoded(uri string) (string, bool) {
	if len(uri) >= 5 && strings.EqualFold(uri[:5], "file:") {
		uri = strings.TrimPrefix(strings.TrimPrefix(uri[5:], "//"), "localhost")
	}
	text, err := url.PathUnescape(uri)
	return text, err == nil && validText(text)
}

// validText refuses what no path has: bytes that are no characters, and those that control.
func validText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// visible makes a text one line without characters that control.
func visible(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s))
}

// toolName is the name of a tool as rules have it in front: lower case, with - for what is no letter or digit.
func toolName(name string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '.', r == '_':
			return unicode.ToLower(r)
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return '-'
	}, cut(name, 60))
	return strings.Trim(text, "-.")
}

// sarifSeverity is how bad a result is: by the word or the number that its tool gives for security, else by its level.
func sarifSeverity(r *sarifResult, rule *sarifRule) finding.Severity {
	for _, p := range []sarifProperties{r.Properties, rule.Properties} {
		if word, ok := p.Severity.(string); ok {
			var s finding.Severity
			if s.UnmarshalText([]byte(strings.ToLower(word))) == nil {
				return s
			}
		}
		if n, ok := number(p.SecuritySeverity); ok {
			switch {
			case n >= 9:
				return finding.Critical
			case n >= 7:
				return finding.High
			case n >= 4:
				return finding.Medium
			case n > 0:
				return finding.Low
			}
			return finding.Info
		}
	}
	switch cmp.Or(r.Level, rule.DefaultConfiguration.Level, "warning") {
	case "error":
		return finding.High
	case "warning":
		return finding.Medium
	case "note":
		return finding.Low
	}
	return finding.Info
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, v >= 0 && v <= 10
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil && n >= 0 && n <= 10
	}
	return 0, false
}
