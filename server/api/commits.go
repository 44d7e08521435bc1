package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/store"
)

type listBranchesInput struct {
	ID     Ref    `path:"id"`
	Q      string `query:"q" maxLength:"200" doc:"text in the name"`
	Cursor string `query:"cursor" maxLength:"20" doc:"where the page before ended: its next"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"most items of a page"`
}

type listBranchesOutput struct {
	Body struct {
		Items []store.Branch `json:"items" doc:"the default branch first, then those with the newest commits"`
		Next  string         `json:"next" doc:"cursor of the next page; empty on the last one"`
	}
}

type listCommitsInput struct {
	ID     Ref    `path:"id"`
	Branch string `query:"branch" maxLength:"250" doc:"without one it is the default branch"`
	Cursor string `query:"cursor" maxLength:"64" doc:"where the page before ended: its next"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items of a page"`
}

type listCommitsOutput struct {
	Body struct {
		Items []store.Commit `json:"items" doc:"along first parents, the newest first"`
		Next  string         `json:"next" doc:"cursor of the next page; empty on the last one"`
	}
}

type getCommitInput struct {
	ID  Ref    `path:"id"`
	SHA string `path:"sha" maxLength:"64"`
}

// commitFinding is a finding with its severity as a word.
type commitFinding struct {
	store.CommitFinding
	Severity string `json:"severity" enum:"critical,high,medium,low,info"`
}

type getCommitOutput struct {
	Body struct {
		Commit store.Commit    `json:"commit"`
		Added  []commitFinding `json:"added" doc:"at most 1,000, the worst first"`
		Gone   []commitFinding `json:"gone" doc:"at most 1,000, the worst first"`
	}
}

func (s *Service) commits(api huma.API) {
	add(s, api, operation{id: "list-branches", method: http.MethodGet, path: "/api/repositories/{id}/branches", tag: "repositories",
		summary: "Branches with what is open on them, and how they differ from the default branch", needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, in *listBranchesInput) (*listBranchesOutput, error) {
			from := 0
			if in.Cursor != "" {
				var err error
				if from, err = strconv.Atoi(in.Cursor); err != nil || from < 0 || from > 1_000_000 {
					return nil, store.Refuse(store.Invalid, "The cursor is not one of this list: begin again without it.")
				}
			}
			list, more, err := s.Store.Branches(ctx, call.Scope, in.ID.ID, in.Q, from, in.Limit)
			if err != nil {
				return nil, err
			}
			out := &listBranchesOutput{}
			out.Body.Items = list
			if more {
				out.Body.Next = strconv.Itoa(from + in.Limit)
			}
			return out, nil
		})
	add(s, api, operation{id: "list-commits", method: http.MethodGet, path: "/api/repositories/{id}/commits", tag: "repositories",
		summary: "Scanned commits of a branch with how many findings each brought and took away", needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, in *listCommitsInput) (*listCommitsOutput, error) {
			out := &listCommitsOutput{}
			var err error
			out.Body.Items, out.Body.Next, err = s.Store.Commits(ctx, call.Scope, in.ID.ID, in.Branch, in.Cursor, in.Limit)
			return out, err
		})
	add(s, api, operation{id: "get-commit", method: http.MethodGet, path: "/api/repositories/{id}/commits/{sha}", tag: "repositories",
		summary: "A scanned commit with the findings that it brought and took away", needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, in *getCommitInput) (*getCommitOutput, error) {
			c, added, gone, err := s.Store.Commit(ctx, call.Scope, in.ID.ID, in.SHA)
			if err != nil {
				return nil, err
			}
			out := &getCommitOutput{}
			out.Body.Commit, out.Body.Added, out.Body.Gone = *c, commitFindings(added), commitFindings(gone)
			return out, nil
		})
	s.coverage(api)
	s.code(api)
}

func commitFindings(list []store.CommitFinding) []commitFinding {
	out := make([]commitFinding, len(list))
	for i, f := range list {
		out[i] = commitFinding{f, severityOf(f.Severity)}
	}
	return out
}

// severityOf is the word for a severity of the database.
func severityOf(n int) string {
	if n < int(finding.Info) || n > int(finding.Critical) {
		return ""
	}
	return finding.Severity(n).String()
}

// keptCoverage is what is kept of a scan beside its findings: the fields of jobs.CommitResult of the same names.
type keptCoverage struct {
	Coverage finding.Coverage
	Problems []finding.Problem
	Hygiene  []finding.Hygiene
	Settings []string
	Mistakes []string
}

type branchInput struct {
	ID     Ref    `path:"id"`
	Branch string `query:"branch" maxLength:"250" doc:"without one it is the default branch"`
}

type countOf struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type scanProblem struct {
	Kind    string `json:"kind" doc:"unreadable, invalid, unresolved, limit or bug"`
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line" doc:"0 when only the file is known"`
	Unit    string `json:"unit"`
}

type scanHygiene struct {
	Kind    string `json:"kind" doc:"unused, expired, unexplained, unknown-rule or malformed"`
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line"`
}

type undecidedInput struct {
	Name     string `json:"name" doc:"var.kms_key"`
	Kind     string `json:"kind" doc:"variable, data, computed, module or function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Findings int    `json:"findings" doc:"how many verdicts it would decide, with others or alone"`
}

type coverageOutput struct {
	Body struct {
		Commit    string           `json:"commit" doc:"empty when nothing was scanned yet"`
		ScannedAt store.Millis     `json:"scannedAt"`
		Files     int              `json:"files" doc:"read and understood"`
		Dialects  []countOf        `json:"dialects" doc:"the same files by dialect"`
		Skipped   int              `json:"skipped" doc:"files that no dialect claims"`
		Ignored   int              `json:"ignored" doc:"files and folders that ignore files leave out"`
		Units     int              `json:"units"`
		Resources int              `json:"resources"`
		Rules     int              `json:"rules" doc:"that applied to something"`
		Verdicts  []countOf        `json:"verdicts"`
		Missing   []string         `json:"missing" doc:"modules that were not at hand"`
		Problems  []scanProblem    `json:"problems" doc:"at most 1,000"`
		Total     int              `json:"totalProblems"`
		Hygiene   []scanHygiene    `json:"hygiene" doc:"suppressions that need attention, at most 1,000"`
		Settings  []string         `json:"settings" doc:"settings files of the repository that counted"`
		Mistakes  []string         `json:"mistakes" doc:"what is wrong in them; they did not count then"`
		Undecided []undecidedInput `json:"undecided" doc:"inputs that would decide most, at most 100"`
		Sampled   bool             `json:"sampled" doc:"only the first 2,000 undecided findings were asked what they wait for"`
	}
}

const (
	maxListed  = 1000
	maxInputs  = 100
	maxSampled = 2000
)

func (s *Service) coverage(api huma.API) {
	add(s, api, operation{id: "get-coverage", method: http.MethodGet, path: "/api/repositories/{id}/coverage", tag: "repositories",
		summary: "What a scan understood, what it did not, and why", needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, in *branchInput) (*coverageOutput, error) {
			c, text, err := s.Store.Coverage(ctx, call.Scope, in.ID.ID, in.Branch)
			if err != nil {
				return nil, err
			}
			out := &coverageOutput{}
			b := &out.Body
			b.Dialects, b.Verdicts, b.Missing, b.Settings, b.Mistakes = []countOf{}, []countOf{}, []string{}, []string{}, []string{}
			b.Problems, b.Hygiene, b.Undecided = []scanProblem{}, []scanHygiene{}, []undecidedInput{}
			if c == nil {
				return out, nil
			}
			b.Commit, b.ScannedAt = c.SHA, c.ScannedAt
			if text != nil {
				var k keptCoverage
				if err := json.Unmarshal(text, &k); err != nil {
					return nil, fmt.Errorf("read the coverage of commit %s: %w", c.SHA, err)
				}
				k.tell(out)
			}
			b.Undecided, b.Sampled, err = s.undecidedInputs(ctx, call.Scope, in)
			return out, err
		})
}

// tell puts what is kept into the words of the API.
func (k *keptCoverage) tell(out *coverageOutput) {
	b, c := &out.Body, k.Coverage
	b.Files, b.Skipped, b.Ignored, b.Units, b.Resources, b.Rules = c.Files, c.Skipped, c.Ignored, c.Units, c.Resources, c.Rules
	b.Dialects, b.Verdicts = counted(c.Dialects), counted(c.Verdicts)
	b.Missing = append(b.Missing, c.Missing[:min(len(c.Missing), maxListed)]...)
	b.Settings, b.Mistakes = append(b.Settings, k.Settings...), append(b.Mistakes, k.Mistakes...)
	b.Total = len(k.Problems)
	for _, p := range k.Problems[:min(len(k.Problems), maxListed)] {
		b.Problems = append(b.Problems, scanProblem{string(p.Kind), p.Message, p.Location.File, p.Location.From.Line, p.Unit})
	}
	for _, h := range k.Hygiene[:min(len(k.Hygiene), maxListed)] {
		b.Hygiene = append(b.Hygiene, scanHygiene{h.Kind, h.Message, h.Suppression.Location.File, h.Suppression.Location.From.Line})
	}
}

// counted lists counts, the largest first.
func counted(m map[string]int) []countOf {
	out := make([]countOf, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, countOf{name, m[name]})
	}
	slices.SortStableFunc(out, func(a, b countOf) int { return b.Count - a.Count })
	return out
}

// undecidedInputs gathers what undecided findings wait for.
func (s *Service) undecidedInputs(ctx context.Context, scope access.Scope, in *branchInput) (list []undecidedInput, sampled bool, err error) {
	refs, err := s.Store.UndecidedDetails(ctx, scope, in.ID.ID, in.Branch, maxSampled+1)
	if err != nil {
		return nil, false, err
	}
	if sampled = len(refs) > maxSampled; sampled {
		refs = refs[:maxSampled]
	}
	counts := map[undecidedInput]int{}
	texts, err := s.Store.Blobs(ctx, refs)
	if err != nil {
		return nil, false, err
	}
	for _, text := range texts {
		var detail struct{ Waits []finding.Wait }
		if err := json.Unmarshal(text, &detail); err != nil {
			return nil, false, fmt.Errorf("read the details of a finding: %w", err)
		}
		for _, w := range detail.Waits {
			counts[undecidedInput{Name: w.Name, Kind: w.Kind, File: w.Location.File, Line: w.Location.From.Line}]++
		}
	}
	list = make([]undecidedInput, 0, len(counts))
	for i, n := range counts {
		i.Findings = n
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b undecidedInput) int {
		return cmp.Or(b.Findings-a.Findings, cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File), a.Line-b.Line)
	})
	return list[:min(len(list), maxInputs)], sampled, nil
}
