package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/store"
)

type listJobsInput struct {
	State      []string `query:"state" enum:"queued,running,waiting,done,failed,cancelled" doc:"only those in one of these states"`
	Kind       string   `query:"kind" enum:"fetch,scan,blame" doc:"only those that do this"`
	Repository Ref      `query:"repository" doc:"only those about this repository"`
	Cursor     Ref      `query:"cursor" doc:"where the page before ended: its next"`
	Limit      int      `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items of a page"`
}

type listJobsOutput struct {
	Body struct {
		Items []jobs.Listed `json:"items"`
		Next  string        `json:"next" doc:"cursor of the next page; empty on the last one"`
	}
}

type jobSummaryOutput struct{ Body jobs.Summary }

type oneJobInput struct {
	ID Ref `path:"id"`
}

type jobOutput struct{ Body jobs.Listed }

type scanRepositoryInput struct {
	ID   Ref `path:"id"`
	Body struct {
		Kind   string   `json:"kind" enum:"head,full,history" doc:"head: fetch and scan what is new; full: scan the newest commit again; history: scan every commit that was not scanned yet"`
		Branch store.ID `json:"branch,omitempty" doc:"of full and history; the default branch without it"`
	}
}

// jobOperations are those on the queue. Without one they refuse.
func (s *Service) jobOperations(api huma.API) {
	add(s, api, operation{id: "list-jobs", method: http.MethodGet, path: "/api/jobs", tag: "jobs", summary: "List jobs, the newest first", needs: access.RepositoryRead}, s.listJobs)
	add(s, api, operation{id: "get-job-summary", method: http.MethodGet, path: "/api/jobs/summary", tag: "jobs", summary: "How the queue stands", needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, _ *struct{}) (*jobSummaryOutput, error) {
			if s.Queue == nil {
				return &jobSummaryOutput{}, nil
			}
			sum, err := s.Queue.Summary(ctx, call.Scope)
			return &jobSummaryOutput{sum}, err
		})
	add(s, api, operation{id: "retry-job", method: http.MethodPost, path: "/api/jobs/{id}/retry", tag: "jobs", summary: "Start a job again that failed or waits", needs: access.RepositoryScan},
		func(ctx context.Context, call *Call, in *oneJobInput) (*jobOutput, error) {
			return s.changeJob(ctx, call, jobChange{in.ID.ID, "job.retry", func(j *jobs.Listed) error {
				if j.State == jobs.Running || j.State == jobs.Queued {
					return store.Refuse(store.Conflict, "The job is %s: there is nothing to start again.", j.State)
				}
				return nil
			}, (*jobs.Queue).Retry})
		})
	add(s, api, operation{id: "cancel-job", method: http.MethodPost, path: "/api/jobs/{id}/cancel", tag: "jobs", summary: "End a job", needs: access.RepositoryScan},
		func(ctx context.Context, call *Call, in *oneJobInput) (*jobOutput, error) {
			return s.changeJob(ctx, call, jobChange{in.ID.ID, "job.cancel", func(j *jobs.Listed) error {
				if j.State == jobs.Done || j.State == jobs.Failed || j.State == jobs.Cancelled {
					return store.Refuse(store.Conflict, "The job is %s: there is nothing to cancel.", j.State)
				}
				return nil
			}, (*jobs.Queue).Cancel})
		})
	add(s, api, operation{id: "scan-repository", method: http.MethodPost, path: "/api/repositories/{id}/scan", tag: "repositories", summary: "Scan a repository now", needs: access.RepositoryScan, status: http.StatusAccepted}, s.scanRepository)
}

func (s *Service) listJobs(ctx context.Context, call *Call, in *listJobsInput) (*listJobsOutput, error) {
	out := &listJobsOutput{}
	out.Body.Items = []jobs.Listed{}
	if s.Queue == nil {
		return out, nil
	}
	q := jobs.Query{Kind: jobs.Kind(in.Kind), Repository: in.Repository.ID, After: int64(in.Cursor.ID), Limit: in.Limit + 1}
	for _, state := range in.State {
		q.States = append(q.States, jobs.State(state))
	}
	list, err := s.Queue.List(ctx, call.Scope, q)
	if err != nil {
		return nil, err
	}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = list[in.Limit-1].ID.String()
	}
	out.Body.Items = append(out.Body.Items, list...)
	return out, nil
}

// jobChange is something that is done to a job.
type jobChange struct {
	id     store.ID
	action string
	check  func(*jobs.Listed) error
	do     func(*jobs.Queue, context.Context, *store.Tx, int64) error
}

func (s *Service) changeJob(ctx context.Context, call *Call, c jobChange) (*jobOutput, error) {
	if s.Queue == nil {
		return nil, store.Refuse(store.NotFound, "This server has no queue.")
	}
	j, err := s.Queue.Job(ctx, call.Scope, int64(c.id))
	if err != nil {
		return nil, err
	}
	if err := c.check(j); err != nil {
		return nil, err
	}
	if err := s.Store.Write(ctx, call.Entry(c.action, "job:"+c.id.String()+" "+string(j.Kind), map[string]string{"repository": j.Name}), func(ctx context.Context, tx *store.Tx) error {
		return c.do(s.Queue, ctx, tx, int64(c.id))
	}); err != nil {
		return nil, err
	}
	j, err = s.Queue.Job(ctx, call.Scope, int64(c.id))
	if err != nil {
		return nil, err
	}
	return &jobOutput{*j}, nil
}

func (s *Service) scanRepository(ctx context.Context, call *Call, in *scanRepositoryInput) (*struct{}, error) {
	r, err := s.Store.Repository(ctx, call.Scope, in.ID.ID)
	switch {
	case err != nil:
		return nil, err
	case s.Queue == nil:
		return nil, store.Refuse(store.Conflict, "This server has no queue.")
	case r.Address == "":
		return nil, store.Refuse(store.Conflict, "The results of this repository are uploaded: there is no address to scan.")
	case r.State == "paused":
		return nil, store.Refuse(store.Conflict, "The repository is paused: resume it first.")
	}
	if in.Body.Branch != 0 {
		if _, err := s.Store.BranchWork(ctx, r.ID, in.Body.Branch); err != nil {
			return nil, err
		}
	}
	j := jobs.Job{What: jobs.Scan, Mode: jobs.Mode(in.Body.Kind), Organisation: store.ID(call.Subject.Organisation), Repository: r.ID, Branch: in.Body.Branch}
	if j.Mode == jobs.Heads {
		j = jobs.Job{What: jobs.Fetch, Organisation: j.Organisation, Repository: j.Repository}
	} else if r.DefaultBranch == "" {
		return nil, store.Refuse(store.Conflict, "The repository was not fetched yet: ask for kind head.")
	}
	return nil, s.Store.Write(ctx, call.Entry("repository.scan", "repository:"+r.ID.String()+" "+r.Name, in.Body), func(ctx context.Context, tx *store.Tx) error {
		return s.Queue.Ask(ctx, tx, j)
	})
}
