package scan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// BaselineFile is the usual name of the file.
const BaselineFile = ".plumbline-baseline.json"

const baselineVersion = 1

// Baseline is the findings that were accepted when it was written: only new ones are reported.
type Baseline struct {
	Entries []BaselineEntry // sorted by path, rule, resource, attribute and id
	File    string          // where it was read; empty when it was not
}

// BaselineEntry is one accepted finding. ID and Twin recognise it; the rest is for people who read the file.
type BaselineEntry struct {
	ID        string `json:"id"`
	Twin      string `json:"twin,omitempty"`
	Rule      string `json:"rule"`
	Path      string `json:"path"` // the file of the finding
	Resource  string `json:"resource"`
	Attribute string `json:"attribute,omitempty"`
	Outcome   string `json:"outcome,omitempty"` // "undecided"; empty for a fail

	at finding.Location
}

// NewBaseline accepts findings, except those that are suppressed in another way already.
func NewBaseline(findings []finding.Finding) *Baseline {
	b := &Baseline{Entries: []BaselineEntry{}}
	for i := range findings {
		f := &findings[i]
		if f.Suppression != nil && f.Suppression.Kind != finding.Baseline {
			continue
		}
		e := BaselineEntry{ID: f.ID, Twin: f.Twin, Rule: f.Rule, Path: f.Location.File, Resource: f.Resource.Address, Attribute: f.Path}
		if f.Outcome == finding.Undecided {
			e.Outcome = finding.Undecided.String()
		}
		b.Entries = append(b.Entries, e)
	}
	b.Sort()
	return b
}

// Sort brings the entries into the order of the file.
func (b *Baseline) Sort() {
	slices.SortFunc(b.Entries, func(a, b BaselineEntry) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Resource, b.Resource),
			cmp.Compare(a.Attribute, b.Attribute), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Outcome, b.Outcome))
	})
}

// Write writes the file: one line per entry, so that changes of it read well.
func (b *Baseline) Write(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"version\": %d,\n  \"entries\": [", baselineVersion)
	for i, e := range b.Entries {
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("write baseline: %w", err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		out.Write(bytes.TrimSpace(line.Bytes()))
	}
	if len(b.Entries) > 0 {
		out.WriteString("\n  ")
	}
	out.WriteString("]\n}\n")
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	return nil
}

// ReadBaseline reads what Write wrote. Anything else is an error: half a baseline would report or hide at random.
func ReadBaseline(f *source.File) (*Baseline, error) {
	b, offset, err := decodeBaseline(f)
	if err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			offset = syntax.Offset
		}
		p := f.Position(int(offset))
		return nil, fmt.Errorf("%s:%d:%d: not a baseline: %w", f.Path, p.Line, p.Column, err)
	}
	return b, nil
}

func decodeBaseline(f *source.File) (*Baseline, int64, error) {
	var raw struct {
		Version int               `json:"version"`
		Entries []json.RawMessage `json:"entries"`
	}
	dec := json.NewDecoder(bytes.NewReader(f.Bytes))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&raw); err != nil {
		return nil, dec.InputOffset(), err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, dec.InputOffset(), errors.New("text after the end")
	}
	if raw.Version != baselineVersion {
		return nil, 0, fmt.Errorf("version %d: this program reads version %d", raw.Version, baselineVersion)
	}
	if raw.Entries == nil {
		return nil, 0, errors.New("it has no entries")
	}
	b := &Baseline{File: f.Path, Entries: make([]BaselineEntry, 0, len(raw.Entries))}
	at := 0
	for _, text := range raw.Entries {
		// Entries stand in the file in this order and word for word.
		at += bytes.Index(f.Bytes[at:], text)
		var e BaselineEntry
		one := json.NewDecoder(bytes.NewReader(text))
		one.DisallowUnknownFields()
		if err := one.Decode(&e); err != nil {
			return nil, int64(at), err
		}
		switch {
		case e.ID == "" || e.Rule == "":
			return nil, int64(at), errors.New("an entry needs an id and a rule")
		case e.Outcome != "" && e.Outcome != finding.Undecided.String():
			return nil, int64(at), fmt.Errorf("the outcome %q is not undecided", e.Outcome)
		}
		end := at + len(text)
		e.at = finding.Location{Range: source.Range{File: f.Path, Start: at, End: end}, From: f.Position(at), To: f.Position(end)}
		b.Entries = append(b.Entries, e)
		at = end
	}
	return b, 0, nil
}

// accept returns for each finding the entry that accepts it, or -1, and which entries found one. An entry for a fail
// also accepts that the same thing is undecided, but not the other way round.
func (b *Baseline) accept(findings []finding.Finding) (entryOf []int, used []bool) {
	entryOf, used = make([]int, len(findings)), make([]bool, len(b.Entries))
	for i := range entryOf {
		entryOf[i] = -1
	}
	match := func(entries, candidates finding.Outcome) {
		var keys, wanted []finding.Key
		var keyAt, wantedAt []int
		for i, e := range b.Entries {
			outcome := finding.Fail
			if e.Outcome != "" {
				outcome = finding.Undecided
			}
			if outcome == entries {
				keys = append(keys, finding.Key{ID: e.ID, Twin: e.Twin, Outcome: candidates, Spot: finding.Spot(e.Attribute, e.Resource)})
				keyAt = append(keyAt, i)
			}
		}
		for i, k := range keysOf(findings) {
			if entryOf[i] < 0 && k.Outcome == candidates {
				wanted = append(wanted, k)
				wantedAt = append(wantedAt, i)
			}
		}
		for i, o := range finding.Pair(keys, wanted) {
			if o >= 0 {
				entryOf[wantedAt[i]] = keyAt[o]
				used[keyAt[o]] = true
			}
		}
	}
	match(finding.Fail, finding.Fail)
	match(finding.Undecided, finding.Undecided)
	match(finding.Fail, finding.Undecided)
	return entryOf, used
}
