package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

type uploadInput struct {
	Repository string    `query:"repository" maxLength:"200" doc:"name; a token that is bound to one repository needs none, nor does a SARIF log with versionControlProvenance of a connected one"`
	Branch     string    `query:"branch" maxLength:"250" doc:"may be left out when the SARIF log says it"`
	Commit     string    `query:"commit" maxLength:"64" doc:"complete id; may be left out when the SARIF log says it"`
	Author     string    `query:"author" maxLength:"200" doc:"of the commit"`
	Subject    string    `query:"subject" maxLength:"500" doc:"first line of its message"`
	At         time.Time `query:"at" doc:"time of the commit; without one it is now"`
	Paths      []string  `query:"paths" maxItems:"100" doc:"the folders and files that were scanned; without any it was all of the repository. What lies elsewhere stays as it is"`
	Encoding   string    `header:"Content-Encoding" enum:"gzip,identity"`
	RawBody    []byte    `contentType:"application/octet-stream"`
}

type uploadSkipped struct {
	Reason string `json:"reason" doc:"a result that …"`
	Count  int    `json:"count"`
}

type uploadOutput struct {
	Body struct {
		Repository store.ID        `json:"repository"`
		Name       string          `json:"name" doc:"of the repository"`
		Branch     string          `json:"branch"`
		Commit     string          `json:"commit"`
		Scan       store.ID        `json:"scan"`
		Repeated   bool            `json:"repeated" doc:"the same text was uploaded before: nothing changed"`
		New        int             `json:"new" doc:"never seen in the repository before"`
		Still      int             `json:"still"`
		Gone       int             `json:"gone"`
		Reopened   int             `json:"reopened"`
		Moved      int             `json:"moved" doc:"known under another name or at another place"`
		Skipped    []uploadSkipped `json:"skipped" doc:"results that were left out"`
	}
}

// uploading is how many uploads are read at once: each may need some hundred megabytes.
const uploading = 2

func (s *Service) uploads(api huma.API) {
	turn := make(chan struct{}, uploading)
	add(s, api, operation{id: "upload-results", method: http.MethodPost, path: "/api/uploads", tag: "repositories",
		summary: "Take in the results of a scan elsewhere: a JSON report of plumbline, or a SARIF 2.1.0 log of any tool", needs: access.ReportUpload,
		body: maxUpload, patience: 2 * time.Minute},
		func(ctx context.Context, call *Call, in *uploadInput) (*uploadOutput, error) {
			select {
			case turn <- struct{}{}:
				defer func() { <-turn }()
			case <-ctx.Done():
				return nil, store.Refuse(store.Limited, "Too many uploads are read at once: try again in a minute.")
			}
			return s.upload(ctx, call, in)
		})
}

func (s *Service) upload(ctx context.Context, call *Call, in *uploadInput) (*uploadOutput, error) {
	u, digest, err := s.readUpload(in.RawBody)
	if err != nil {
		return nil, err
	}
	repository, created, err := s.uploadRepository(ctx, call, in, u)
	if err != nil {
		return nil, err
	}
	out := &uploadOutput{}
	b := &out.Body
	b.Branch, b.Commit = cmp.Or(in.Branch, strings.TrimPrefix(u.branch, "refs/heads/")), strings.ToLower(cmp.Or(in.Commit, u.commit))
	b.Repository, b.Name, b.Skipped = repository.ID, repository.Name, []uploadSkipped{}
	for _, reason := range slices.Sorted(maps.Keys(u.skipped)) {
		b.Skipped = append(b.Skipped, uploadSkipped{reason, u.skipped[reason]})
	}
	switch {
	case b.Branch == "":
		return nil, store.Refuse(store.Invalid, "Which branch are these results of? Name it as branch=….")
	case b.Commit == "":
		return nil, store.Refuse(store.Invalid, "Which commit are these results of? Name it as commit=….")
	case !mirror.IsCommit(b.Commit):
		return nil, store.Refuse(store.Invalid, "%q is not the complete id of a commit: 40 or 64 hexadecimal digits.", clip(b.Commit))
	}
	if err := checkBranchName(b.Branch); err != nil {
		return nil, err
	}
	if _, own := u.found[""]; own && repository.Address != "" && repository.State == "active" {
		return nil, store.Refuse(store.Conflict, "The server scans %s itself, and two reports of one branch would undo each other. Pause the repository to upload plumbline's reports for it; logs of other tools are taken as it is.", repository.Name)
	}
	paths, err := cleanPaths(in.Paths)
	if err != nil {
		return nil, err
	}
	digest = digestOf(digest, strings.Join(paths, "\x00"))
	if !created {
		if b.Scan, err = s.uploadedBefore(ctx, repository.ID, u, b.Branch, b.Commit+" "+digest); err != nil {
			return nil, err
		}
		if b.Repeated = b.Scan != 0; b.Repeated {
			return out, nil
		}
	}
	info := store.CommitInfo{SHA: b.Commit, Author: visible(seal.Redact(in.Author)), Subject: visible(seal.Redact(in.Subject)), At: store.MillisOf(in.At)}
	if info.At == 0 {
		info.At = store.MillisOf(s.Store.Now())
	}
	results, err := s.results(u, info, paths)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"branch": b.Branch, "commit": b.Commit, "results": u.results, "connected": created}
	err = s.Store.Write(ctx, call.Entry("report.upload", "repository:"+repository.ID.String()+" "+repository.Name, data), func(ctx context.Context, tx *store.Tx) error {
		if created {
			if err := tx.AddRepository(ctx, store.ID(call.Scope.Organisation), *repository, store.Sealed{}); err != nil {
				return err
			}
		}
		target, err := tx.OpenUpload(ctx, repository, b.Branch, info)
		if err != nil {
			return err
		}
		known, err := tx.UploadedMakers(ctx, target.Branch)
		if err != nil {
			return err
		}
		for i := range results {
			r := &results[i]
			r.Commit.Parent, r.Aside = target.Before, target.Connected
			if !known[r.Maker] && (target.Later || target.Connected) {
				r.Delta = &store.CommitDelta{} // what a tool says for the first time was not brought by this commit
			}
		}
		b.Scan = s.Store.NewID()
		counts, err := tx.Ingest(ctx, store.Ingest{Repository: repository.ID, Branch: target.Branch, Scan: b.Scan, Actor: call.Subject.Name, Results: results})
		if err != nil {
			return err
		}
		b.New, b.Still, b.Gone, b.Reopened, b.Moved = counts.New, counts.Still, counts.Gone, counts.Reopened, counts.Moved
		var made []store.Uploaded
		for maker := range u.found {
			made = append(made, store.Uploaded{Maker: maker, SHA: b.Commit, Digest: digest})
		}
		if err := tx.EndUpload(ctx, store.ID(call.Scope.Organisation), target, b.Scan, made); err != nil || s.Queue == nil {
			return err
		}
		return s.Queue.TellNow(ctx, tx, store.ID(call.Scope.Organisation))
	})
	return out, err
}

// readUpload reads a report or a log, whichever it is.
func (s *Service) readUpload(body []byte) (*uploaded, string, error) {
	m, err := unfold(body)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	m.r = io.TeeReader(m.r, sum)
	// The names of the first members tell the format; nothing but "format" or "runs" and "version" decides.
	format, err := sniff(body)
	if err != nil {
		return nil, "", err
	}
	u, in := newUploaded(), newStream(m)
	if format == "sarif" {
		err = s.readSARIF(in, u)
	} else {
		err = readReport(in, u)
	}
	if err != nil {
		return nil, "", err
	}
	return u, hex.EncodeToString(sum.Sum(nil)), nil
}

// sniff tells the format of an upload by the first member that only one of them has.
func sniff(body []byte) (string, error) {
	m, err := unfold(body)
	if err != nil {
		return "", err
	}
	in, format := newStream(m), ""
	done := errors.New("done")
	err = in.object(func(name string) error {
		switch name {
		case "format", "tool", "summary", "findings":
			format = "report"
			return done
		case "runs", "version":
			format = "sarif"
			return done
		}
		return in.skip()
	})
	if err != nil && !errors.Is(err, done) {
		return "", err
	}
	if format == "" {
		return "", store.Refuse(store.Invalid, "This is neither a SARIF log nor a JSON report of plumbline.")
	}
	return format, nil
}

// uploadRepository finds the repository of an upload, by its name, by what the token is bound to, or by the address in the log. One that
// does not exist is connected for uploads when the caller may do that.
func (s *Service) uploadRepository(ctx context.Context, call *Call, in *uploadInput, u *uploaded) (r *store.Repository, created bool, err error) {
	switch {
	case in.Repository != "":
		r, err = s.Store.RepositoryNamed(ctx, call.Scope, in.Repository)
	case call.Scope.Repository != 0:
		r, err = s.Store.Repository(ctx, call.Scope, store.ID(call.Scope.Repository))
	case u.repository != "":
		a, bad := mirror.ParseAddress(u.repository)
		if bad != nil {
			return nil, false, store.Refuse(store.Invalid, "Which repository are these results of? Name it with --repository NAME, or in the address as ?repository=NAME: what the log says is no address.")
		}
		r, err = s.Store.RepositoryAt(ctx, call.Scope, a.Host, strings.TrimSuffix(strings.Trim(a.Path, "/"), ".git"))
	default:
		return nil, false, store.Refuse(store.Invalid, "Which repository are these results of? Name it with --repository NAME, or in the address as ?repository=NAME.")
	}
	fault, refused := errors.AsType[*store.Fault](err)
	if !refused || fault.Kind != store.NotFound || in.Repository == "" {
		return r, false, err
	}
	if write := call.Subject.Scope(access.RepositoryWrite); !write.All || write.Repository != 0 {
		return nil, false, store.Refuse(store.NotFound, "There is no repository named %s here: connect it first, or upload with a token that may connect repositories.", clip(in.Repository))
	}
	r = &store.Repository{ID: s.Store.NewID(), Name: in.Repository, State: "active"}
	return r, true, store.CheckRepositoryName(r.Name)
}

// uploadedBefore returns the scan of an earlier upload of the same text for the same commit; 0 when there is none. The branch may be read
// before another upload ends: that one changes nothing either, because results that are known change no row.
func (s *Service) uploadedBefore(ctx context.Context, repository store.ID, u *uploaded, branch, what string) (store.ID, error) {
	list, err := s.Store.Uploads(ctx, repository, branch)
	if err != nil {
		return 0, err
	}
	var scan store.ID
	for maker := range u.found {
		i := slices.IndexFunc(list, func(x store.Uploaded) bool { return x.Maker == maker && x.SHA+" "+x.Digest == what })
		if i < 0 {
			return 0, nil
		}
		scan = list[i].Scan
	}
	return scan, nil
}

// results makes what the store takes in: one result per maker, our own first, each with its own numbers.
func (s *Service) results(u *uploaded, commit store.CommitInfo, paths []string) ([]store.Result, error) {
	var out []store.Result
	for _, maker := range slices.Sorted(maps.Keys(u.found)) {
		r := store.Result{Commit: commit, Full: true, Maker: maker, Covers: u.covered(paths)}
		for i := range u.found[maker] {
			f := &u.found[maker][i]
			found, err := s.found(f)
			if err != nil {
				return nil, err
			}
			r.Found = append(r.Found, *found)
			switch {
			case found.Outcome == "undecided":
				r.Waiting++
			case found.Suppressed:
				r.Excused++
			default:
				r.Fails++
			}
		}
		out = append(out, r)
	}
	if u.coverage != nil {
		out[0].Trouble = len(u.coverage.Problems)
		var err error
		if out[0].Coverage, err = masked(u.coverage); err != nil {
			return nil, fmt.Errorf("write the coverage: %w", err)
		}
	}
	return out, nil
}

// found makes a row of a finding. Details that are too long lose what is least needed first.
func (s *Service) found(f *uploadedFinding) (*store.Found, error) {
	f.Message = rule.Masked(f.Message)
	detail, err := masked(f.Finding)
	if err == nil && len(detail) > maxDetail {
		f.Excerpt, f.Related, f.Evidence = nil, nil, nil
		detail, err = masked(f.Finding)
	}
	if err != nil {
		return nil, fmt.Errorf("write a finding: %w", err)
	}
	if f.category == "" {
		r, err := s.catalogue.rule(f.Rule)
		if err != nil {
			return nil, err
		}
		if r != nil {
			f.category = string(r.Category)
		}
	}
	r := &f.Resource
	key := f.Key()
	out := &store.Found{Fingerprint: f.ID, Twin: f.Twin, Spot: key.Spot, Rule: f.Rule, Outcome: f.Outcome.String(), Severity: int(f.Severity), Category: f.category, Provider: r.Provider,
		Dialect: r.Dialect, Type: r.Type, Address: r.Address, Attribute: f.Path, Unit: r.Unit, File: f.Location.File, Line: f.Location.From.Line, Message: f.Message, Detail: detail}
	if f.Suppression != nil {
		out.Suppressed, out.Comment = true, rule.Masked(f.Suppression.Reason)
	}
	return out, nil
}

// cleanPaths cleans the paths that a scan was about. All of the repository is none of them.
func cleanPaths(list []string) ([]string, error) {
	var out []string
	for _, p := range list {
		clean, ok := inRepository(p)
		if !ok {
			return nil, store.Refuse(store.Invalid, "%q is not a path in the repository.", clip(p))
		}
		if clean = path.Clean(cmp.Or(clean, ".")); clean == "." {
			return nil, nil
		}
		out = append(out, clean)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func digestOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
