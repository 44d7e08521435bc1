package report

import (
	"cmp"
	"io"
	"net/url"
	"slices"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// The parts of SARIF 2.1.0 that we write (https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/).

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool               sarifTool                        `json:"tool"`
	Invocations        []sarifInvocation                `json:"invocations"`
	OriginalURIBaseIDs map[string]sarifArtifactLocation `json:"originalUriBaseIds"`
	ColumnKind         string                           `json:"columnKind"`
	Results            []sarifResult                    `json:"results"`
	Properties         map[string]any                   `json:"properties,omitempty"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID                   string         `json:"id"`
	ShortDescription     sarifText      `json:"shortDescription"`
	FullDescription      sarifText      `json:"fullDescription"`
	Help                 sarifText      `json:"help"`
	DefaultConfiguration sarifLevel     `json:"defaultConfiguration"`
	Properties           map[string]any `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifInvocation struct {
	ExecutionSuccessful            bool                `json:"executionSuccessful"`
	ToolExecutionNotifications     []sarifNotification `json:"toolExecutionNotifications"`
	ToolConfigurationNotifications []sarifNotification `json:"toolConfigurationNotifications"`
}

type sarifNotification struct {
	Descriptor sarifID         `json:"descriptor"`
	Level      string          `json:"level"`
	Message    sarifText       `json:"message"`
	Locations  []sarifLocation `json:"locations,omitempty"`
}

type sarifID struct {
	ID string `json:"id"`
}

type sarifResult struct {
	RuleID              string             `json:"ruleId"`
	RuleIndex           *int               `json:"ruleIndex,omitempty"`
	Kind                string             `json:"kind"`
	Level               string             `json:"level"`
	Message             sarifText          `json:"message"`
	Locations           []sarifLocation    `json:"locations"`
	RelatedLocations    []sarifLocation    `json:"relatedLocations,omitempty"`
	CodeFlows           []sarifCodeFlow    `json:"codeFlows,omitempty"`
	PartialFingerprints map[string]string  `json:"partialFingerprints"`
	Fixes               []sarifFix         `json:"fixes,omitempty"`
	Suppressions        []sarifSuppression `json:"suppressions"`
	Properties          map[string]any     `json:"properties"`
}

type sarifLocation struct {
	ID               *int                   `json:"id,omitempty"`
	PhysicalLocation *sarifPhysicalLocation `json:"physicalLocation,omitempty"`
	LogicalLocations []sarifLogicalLocation `json:"logicalLocations,omitempty"`
	Message          *sarifText             `json:"message,omitempty"`
}

type sarifPhysicalLocation struct {
	ArtifactLocation sarifArtifactLocation `json:"artifactLocation"`
	Region           *sarifRegion          `json:"region,omitempty"`
}

type sarifArtifactLocation struct {
	URI         string     `json:"uri,omitempty"`
	URIBaseID   string     `json:"uriBaseId,omitempty"`
	Description *sarifText `json:"description,omitempty"`
}

// sarifRegion counts lines and columns from 1; the end column is the one after the last character.
type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
	EndLine     int `json:"endLine,omitempty"`
	EndColumn   int `json:"endColumn,omitempty"`
}

type sarifLogicalLocation struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

type sarifCodeFlow struct {
	Message     sarifText         `json:"message"`
	ThreadFlows []sarifThreadFlow `json:"threadFlows"`
}

type sarifThreadFlow struct {
	Locations []sarifThreadFlowLocation `json:"locations"`
}

type sarifThreadFlowLocation struct {
	Location     sarifLocation `json:"location"`
	NestingLevel int           `json:"nestingLevel"`
}

type sarifFix struct {
	Description     sarifText             `json:"description"`
	ArtifactChanges []sarifArtifactChange `json:"artifactChanges"`
}

type sarifArtifactChange struct {
	ArtifactLocation sarifArtifactLocation `json:"artifactLocation"`
	Replacements     []sarifReplacement    `json:"replacements"`
}

type sarifReplacement struct {
	DeletedRegion   sarifRegion `json:"deletedRegion"`
	InsertedContent sarifText   `json:"insertedContent"`
}

type sarifSuppression struct {
	Kind          string         `json:"kind"`
	Status        string         `json:"status"`
	Justification string         `json:"justification,omitempty"`
	Location      *sarifLocation `json:"location,omitempty"`
	Properties    map[string]any `json:"properties,omitempty"`
}

// sarifRoot is what paths are relative to. It has no address: that would differ between machines, and whoever reads the
// log knows where the repository is.
const sarifRoot = "SRCROOT"

func writeSARIF(w io.Writer, in Input) error {
	r := in.Report
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "Plumbline", Version: r.Tool.Version, InformationURI: "https://plumbline.dev", Rules: each(r.Rules, sarifRuleOf),
		}},
		Invocations: []sarifInvocation{{
			ExecutionSuccessful:            complete(r),
			ToolExecutionNotifications:     each(r.Problems, in.sarifProblem),
			ToolConfigurationNotifications: each(r.Hygiene, in.sarifHygiene),
		}},
		OriginalURIBaseIDs: map[string]sarifArtifactLocation{sarifRoot: {Description: &sarifText{Text: "The directory that paths are relative to."}}},
		ColumnKind:         "unicodeCodePoints",
		Results:            make([]sarifResult, 0, len(r.Findings)+len(r.Undecided)),
		Properties:         map[string]any{"coverage": coverageOf(r.Coverage)},
	}
	index := make(map[string]int, len(r.Rules))
	for i := range r.Rules {
		index[r.Rules[i].ID] = i
	}
	for _, list := range [][]finding.Finding{r.Findings, r.Undecided} {
		for i := range list {
			result := in.sarifResult(&list[i])
			if n, ok := index[list[i].Rule]; ok {
				result.RuleIndex = &n
			}
			run.Results = append(run.Results, result)
		}
	}
	return encodeJSON(w, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

// maxTags is how many tags GitHub takes of a rule.
const maxTags = 20

func sarifRuleOf(r finding.Rule) sarifRule {
	tags := []string{"security"}
	if r.Category != "" && r.Category != "security" {
		tags = append(tags, r.Category)
	}
	for framework := range r.Controls {
		tags = append(tags, framework)
	}
	slices.Sort(tags[1:])
	tags = slices.Compact(tags)
	title := cmp.Or(r.Title, r.ID)
	why := cmp.Or(r.Why, title)
	return sarifRule{
		ID: r.ID, ShortDescription: sarifText{Text: title}, FullDescription: sarifText{Text: cmp.Or(firstParagraph(r.Why), title)},
		Help:                 sarifText{Text: why, Markdown: "# " + title + "\n\n" + why},
		DefaultConfiguration: sarifLevel{sarifSeverity(r.Severity)},
		Properties: map[string]any{
			"tags": tags[:min(len(tags), maxTags)], "security-severity": securitySeverity(r.Severity), "precision": "high",
			"controls": controlsOf(r.Controls), "aliases": each(r.Aliases, itself),
		},
	}
}

func sarifSeverity(s finding.Severity) string {
	switch s {
	case finding.Critical, finding.High:
		return "error"
	case finding.Medium:
		return "warning"
	default:
		return "note"
	}
}

// securitySeverity is the middle of the range that GitHub shows by the same word (over 9.0 critical, from 7.0 high, from
// 4.0 medium, below low).
func securitySeverity(s finding.Severity) string {
	return [...]string{"", "1.0", "3.0", "5.5", "8.0", "9.5"}[s]
}

func (in *Input) sarifResult(f *finding.Finding) sarifResult {
	out := sarifResult{
		RuleID: f.Rule, Kind: "fail", Level: sarifSeverity(f.Severity), Message: sarifMessage(f.Message),
		Locations: []sarifLocation{in.sarifPrimary(f)},
		// GitHub knows a finding again by primaryLocationLineHash and by nothing else.
		PartialFingerprints: map[string]string{"plumbline/v1": f.ID, "plumblineTwin/v1": f.Twin, "primaryLocationLineHash": f.ID},
		Suppressions:        []sarifSuppression{},
		Properties: map[string]any{
			"severity": f.Severity, "security-severity": securitySeverity(f.Severity), "path": f.Path, "resourceType": f.Resource.Type,
			"provider": f.Resource.Provider, "dialect": f.Resource.Dialect, "unit": f.Resource.Unit, "maybe": f.Resource.Maybe, "variants": each(f.Resource.Variants, itself),
			"evidence": each(f.Evidence, func(e finding.Evidence) map[string]string { return map[string]string{"path": e.Path, "value": e.Value} }),
		},
	}
	if f.Outcome == finding.Undecided {
		out.Kind, out.Level = "open", "none"
		out.Properties["waits"] = each(f.Waits, jsonWaitOf)
	}
	for _, r := range f.Related {
		out.RelatedLocations = in.sarifRelated(out.RelatedLocations, r)
	}
	for _, e := range f.Evidence {
		for _, r := range e.From {
			out.RelatedLocations = in.sarifRelated(out.RelatedLocations, finding.Related{Location: r.Location, Text: e.Path + " comes from " + r.Text})
		}
	}
	if flow := in.sarifCalls(f); flow != nil {
		out.CodeFlows = []sarifCodeFlow{*flow}
	}
	for _, fix := range f.Fixes {
		if len(fix.Edits) > 0 && shows(fix, f.Secret) {
			out.Fixes = append(out.Fixes, in.sarifFix(fix))
		}
	}
	if s := f.Suppression; s != nil {
		one := sarifSuppression{Kind: "external", Status: "accepted", Justification: s.Reason, Properties: map[string]any{"madeBy": string(s.Kind)}}
		if s.Kind == finding.Inline {
			one.Kind = "inSource"
		}
		if !s.Until.IsZero() {
			one.Properties["until"] = day(s.Until)
		}
		if p := in.sarifPhysical(s.Location); p != nil {
			one.Location = &sarifLocation{PhysicalLocation: p}
		}
		out.Suppressions = append(out.Suppressions, one)
	}
	return out
}

// sarifMessage writes plain text: brackets before a parenthesis would make a link of it.
func sarifMessage(s string) sarifText {
	if strings.Contains(s, "](") {
		s = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(s)
	}
	return sarifText{Text: cmp.Or(s, "(no message)")}
}

// sarifPrimary is the place of a result. Readers want one with a line, so that what has no place of its own stands at its
// declaration or its unit, and a file as a whole at its first line.
func (in *Input) sarifPrimary(f *finding.Finding) sarifLocation {
	at := f.Location
	if at.IsZero() {
		at = f.Resource.Range
	}
	if at.IsZero() {
		at.File = cmp.Or(f.Resource.Unit, ".")
	}
	out := sarifLocation{PhysicalLocation: in.sarifPhysical(at)}
	if out.PhysicalLocation.Region == nil {
		out.PhysicalLocation.Region = &sarifRegion{StartLine: 1}
	}
	if f.Resource.Address != "" {
		out.LogicalLocations = []sarifLogicalLocation{{FullyQualifiedName: f.Resource.Address, Kind: "resource"}}
	}
	return out
}

func (in *Input) sarifPhysical(l finding.Location) *sarifPhysicalLocation {
	if l.IsZero() {
		return nil
	}
	out := &sarifPhysicalLocation{ArtifactLocation: in.sarifArtifact(l.File)}
	if l.From.Line > 0 {
		r := sarifRegionOf(l)
		out.Region = &r
	}
	return out
}

func sarifRegionOf(l finding.Location) sarifRegion {
	return sarifRegion{l.From.Line, l.From.Column, l.To.Line, l.To.Column}
}

func (in *Input) sarifArtifact(file string) sarifArtifactLocation {
	return sarifArtifactLocation{URI: (&url.URL{Path: file}).String(), URIBaseID: sarifRoot}
}

func (in *Input) sarifRelated(list []sarifLocation, r finding.Related) []sarifLocation {
	p := in.sarifPhysical(r.Location)
	if p == nil {
		return list
	}
	id, text := len(list)+1, sarifMessage(r.Text)
	return append(list, sarifLocation{ID: &id, PhysicalLocation: p, Message: &text})
}

// sarifCalls is the way through the module calls to the finding, or nil when there is none.
func (in *Input) sarifCalls(f *finding.Finding) *sarifCodeFlow {
	if len(f.Resource.Calls) == 0 {
		return nil
	}
	var steps []sarifThreadFlowLocation
	for i, c := range f.Resource.Calls {
		if p := in.sarifPhysical(c.Location); p != nil {
			text := sarifMessage(c.Text)
			steps = append(steps, sarifThreadFlowLocation{sarifLocation{PhysicalLocation: p, Message: &text}, i})
		}
	}
	last := in.sarifPrimary(f)
	text := sarifMessage(f.Resource.Address)
	last.Message = &text
	steps = append(steps, sarifThreadFlowLocation{last, len(f.Resource.Calls)})
	return &sarifCodeFlow{sarifText{Text: "Module calls, outermost first"}, []sarifThreadFlow{{steps}}}
}

func (in *Input) sarifFix(fix finding.Fix) sarifFix {
	out := sarifFix{Description: sarifMessage(fix.Title)}
	for _, file := range editedFiles(fix) {
		change := sarifArtifactChange{ArtifactLocation: in.sarifArtifact(file)}
		for _, e := range fix.Edits {
			if e.Location.File == file {
				change.Replacements = append(change.Replacements, sarifReplacement{sarifRegionOf(e.Location), sarifText{Text: e.Text}})
			}
		}
		out.ArtifactChanges = append(out.ArtifactChanges, change)
	}
	return out
}

func (in *Input) sarifProblem(p finding.Problem) sarifNotification {
	level := "error"
	if p.Kind == source.Unresolved {
		level = "warning"
	}
	return in.sarifNotification(string(p.Kind), level, finding.Related{Location: p.Location, Text: p.Message})
}

func (in *Input) sarifHygiene(h finding.Hygiene) sarifNotification {
	return in.sarifNotification("suppression-"+h.Kind, "note", finding.Related{Location: h.Suppression.Location, Text: h.Message})
}

func (in *Input) sarifNotification(id, level string, at finding.Related) sarifNotification {
	out := sarifNotification{Descriptor: sarifID{id}, Level: level, Message: sarifMessage(at.Text)}
	if p := in.sarifPhysical(at.Location); p != nil {
		out.Locations = []sarifLocation{{PhysicalLocation: p}}
	}
	return out
}
