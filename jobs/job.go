// Package jobs is the work behind the server: fetching repositories, scanning their commits in child processes, and upkeep. It runs
// on River, in the same database as everything else, so that a job is there exactly when the change that asks for it is.
//
// What must hold: whatever a job writes, it writes in transactions that first check that the job is still this worker's, and the last of
// which ends the job. So a job that runs twice, because its worker was thought dead, has one visible result.
package jobs

import (
	"time"

	"plumbline.dev/plumbline/store"
)

// Kind is what a job does.
type Kind string

// The kinds of jobs.
const (
	Fetch  Kind = "fetch"  // bring the mirror of a repository up to date, and scan what is new
	Scan   Kind = "scan"   // scan the next commits of a repository
	Blame  Kind = "blame"  // find out who brought the findings of a repository
	Change Kind = "change" // change many findings, as somebody decided
	Upkeep Kind = "upkeep" // one of Options.Tasks

	Tell    Kind = "tell"    // make messages of what happened in an organisation
	Deliver Kind = "deliver" // send a message
)

// Mode is why a scan job runs.
type Mode string

// The modes of scan jobs.
const (
	Heads   Mode = "head"    // what is new on any branch
	Whole   Mode = "full"    // the head of a branch again, without regard to what is known
	History Mode = "history" // every commit of a branch that was not scanned
)

// Job is what is to be done. It is kept as JSON.
type Job struct {
	What         Kind     `json:"-"`
	Organisation store.ID `json:"organisation,omitempty"`
	Repository   store.ID `json:"repository,omitempty"`
	Branch       store.ID `json:"branch,omitempty"` // of Whole and History; 0 for the default one
	Mode         Mode     `json:"mode,omitempty"`
	Daily        bool     `json:"daily,omitempty"` // nobody waits for it
	Task         string   `json:"task,omitempty"`  // of Upkeep
	After        store.ID `json:"after,omitempty"` // where the job before stopped
	Change       store.ID `json:"change,omitempty"`
	Delivery     store.ID `json:"delivery,omitempty"`
}

// Kind is the word under which the database has the job.
func (j Job) Kind() string { return string(j.What) }

// queues are how the kinds are kept from waiting for each other: fetching waits for hosts, scanning for processors.
const (
	fetchQueue  = "fetch"
	scanQueue   = "scan"
	upkeepQueue = "upkeep"
	notifyQueue = "notify" // waits for receivers
)

// queue is the queue of a job.
func (j Job) queue() string {
	switch j.What {
	case Fetch:
		return fetchQueue
	case Scan:
		return scanQueue
	case Tell, Deliver:
		return notifyQueue
	}
	return upkeepQueue
}

// priority of a job, 1 first: what somebody waits for or pushed, before history, before what is done every day.
func (j Job) priority() int {
	switch {
	case j.Daily:
		return 4
	case j.What == Scan && j.Mode == History:
		return 3
	case j.What == Blame:
		return 2
	}
	return 1
}

// attempts is how often a job is tried.
func (j Job) attempts() int {
	if j.What == Upkeep {
		return 3
	}
	return 12
}

// wait is how long a job waits after it failed, by how often it was tried.
func (j Job) wait(attempt int) time.Duration {
	steps := [...]time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
	return steps[min(max(attempt, 1), len(steps))-1]
}

// timeout is how long a job may take. A scan has the time of its child besides.
func (j Job) timeout(child ChildLimits) time.Duration {
	switch j.What {
	case Fetch:
		return 20 * time.Minute
	case Scan:
		return child.Defaults().Wall + 20*time.Minute
	}
	return 15 * time.Minute
}
