package jobs

import (
	"time"

	"plumbline.dev/plumbline/finding"
)

// Rules of this file: these are the shapes that the server and the process that scans for it speak in. The child is not
// trusted: what it sends is bounded, and it is data about a hostile repository whoever wrote it.

// Request is what one child is asked for: some commits of one repository, one after the other. It goes over standard input as
// one JSON document.
type Request struct {
	GitDir   string          // absolute path of the bare repository, see package mirror
	Commits  []RequestCommit // in the order in which they are scanned: parents first makes the least work
	Settings string          // YAML of the server that lies below the repository's own settings files; empty for none
	Rules    []RuleSwitch    // what the server decided about rules; it wins over settings files; of several that match the last counts
	Watch    []Watched       // findings that the server has of where Commits begin: each result says which of them settings leave out
	Only     []string        // ids, aliases or globs of the rules to judge; empty means all
	Today    time.Time       // for the expiry of suppressions; zero means they never expire
	Limits   ChildLimits
}

// RequestCommit is one commit of a request.
type RequestCommit struct {
	ID       string // complete, in hexadecimal
	Full     bool   // send everything, not only what differs from the commit before in the request; the first one is always full
	Fixes    bool   // prove and offer fixes: costs many times the scan, so that only heads should have it
	Snapshot bool   // send the inventory and the edges too
}

// Watched is a finding that was there before.
type Watched struct {
	ID   string
	Rule string
	File string
	Unit string
}

// LeftOut is a finding that a commit need not have mended: settings leave its place or its rule out of the scan.
type LeftOut struct {
	ID  string
	Why string // a sentence for people
}

// RuleSwitch is a decision about the rules that a pattern matches, already resolved for the repository.
type RuleSwitch struct {
	Rule     string           // id, alias or glob
	Off      bool             // not judged at all
	Severity finding.Severity `json:",omitzero"` // 0 leaves it
}

// ChildLimits bounds a child. The zero value of a field means the default beside it.
type ChildLimits struct {
	Memory    int64         // bytes of address space beyond what the program itself maps: 2 GiB
	CPU       time.Duration // processor time: 15 min
	Wall      time.Duration // from start to end: 20 min
	PerCommit time.Duration // of one commit, which then fails alone: 2 min
	Line      int           // bytes of one line of output, one commit: 64 MiB
	Output    int64         // bytes of all output: 4 GiB
	Files     int           // files of a tree: 200,000
	FileBytes int64         // of one file: 5 MiB
}

// Defaults returns the limits with the default in place of each field that is not set.
func (l ChildLimits) Defaults() ChildLimits {
	or(&l.Memory, 2<<30)
	or(&l.CPU, 15*time.Minute)
	or(&l.Wall, 20*time.Minute)
	or(&l.PerCommit, 2*time.Minute)
	or(&l.Line, 64<<20)
	or(&l.Output, 4<<30)
	or(&l.Files, 200_000)
	or(&l.FileBytes, 5<<20)
	return l
}

func or[T ~int | ~int64](n *T, standard T) {
	if *n <= 0 {
		*n = standard
	}
}

// CommitResult is what the scan of one commit gave.
type CommitResult struct {
	Commit string
	Full   bool      // Found is everything; else what differs from the result before
	Found  []Finding // of Full all findings, fails and undecided ones, suppressed ones included; else those that are new or not as they were. One per ID
	Left   []LeftOut // of what was watched or found before: what settings leave out; unless Full, what is so since the result before
	Gone   []string  // ids that were found or left out in the result before, and are neither any more; none when Full

	// The rest is complete in every result.
	Open     map[string]int // how many fails are not suppressed, by severity
	Total    int            // findings of the commit, of every kind
	Problems []finding.Problem
	Hygiene  []finding.Hygiene
	Coverage finding.Coverage
	Judged   []string // ids of the rules that gave at least one verdict on something that they are about
	Grounds  []finding.Ground
	Settings []string // the settings files of the repository that counted
	Mistakes []string // what is wrong in them; they were left out then, all of them

	Snapshot *Snapshot     // when it was asked for
	Failure  string        // why this commit could not be scanned, in a sentence for people; nothing else is said then, and the next delta is to the last commit that could
	Took     time.Duration // of the scan
}

// Finding is a finding with what the interface shows beside it.
type Finding struct {
	finding.Finding
	Excerpt *Excerpt      // nil when there is no text, or when it is about a secret
	Proved  []ProvedFix   // beside Finding.Fixes, in their order
	Why     []CodeExcerpt // the lines of the module calls and of the values' way, in the order of Resource.Calls, then Related and Evidence; those in the same file near the place are left out
}

// Excerpt is some lines of a file.
type Excerpt struct {
	File  string
	First int      // number of the first line, from 1
	Lines []string // without line ends, each at most 400 bytes
	Mark  [2]int   // first and last line of what decided
}

// CodeExcerpt is an excerpt with what it is about.
type CodeExcerpt struct {
	Text string // module.web, var.acl
	Excerpt
}

// ProvedFix is a fix as a diff.
type ProvedFix struct {
	Diff    string   // unified, of all files that it edits
	Applies bool     // Diff is a patch that git apply takes; else a secret is hidden in it, or it is too long, and it is for reading alone
	Gates   []string // what it went through: parses, mends, nothing new, nothing else changed, idempotent
}

// Snapshot is what a commit declares, after expansion.
type Snapshot struct {
	Resources []Resource
	Edges     []Edge
	Cut       bool // there is more than fits: the limit is MaxSnapshot resources
}

// MaxSnapshot is the most resources of a snapshot.
const MaxSnapshot = 100_000

// Resource is one deployed thing.
type Resource struct {
	Unit     string // directory
	Variant  string // set of inputs; empty when there is but one
	Address  string // unique in unit and variant
	Type     string
	Native   string // the dialect's own word for the type where it is another one
	Name     string
	Provider string
	Dialect  string
	Module   string // address of the module instance; empty for the root
	File     string
	Line     int
	Maybe    bool   // it may be there zero or more times
	Within   string // address of the resource that it is a part of
	Tags     []Tag
	Exposed  string // why it can be reached from the internet, in a few words; empty when nothing says so
}

// Tag is an effective tag and where it comes from. What is named or looks like a secret is not shown.
type Tag struct {
	Key    string
	Value  string
	Known  bool   // false: the value is not known before deployment
	Origin string // resource, default_tags of provider.aws
	File   string
	Line   int
}

// Edge says that a resource refers to another one of the same unit and variant.
type Edge struct {
	Unit    string
	Variant string
	From    string // address
	To      string // address
	Path    string // the attribute that refers
	Maybe   bool
}

// Progress is how far a child is.
type Progress struct {
	Done  int // commits
	Total int
}

// childLine is one line of a child's output: exactly one field is set.
type childLine struct {
	Result   *CommitResult `json:",omitempty"`
	Progress *Progress     `json:",omitempty"`
	End      *childEnd     `json:",omitempty"`
}

// childEnd is the last line; without it the output is not complete.
type childEnd struct {
	Commits int      // results sent
	Sandbox []string // what holds the child back: seccomp, landlock, network namespace, limits
	Limit   string   // the limit that was reached, see ChildError
	Err     string   // why it stopped early, for people; empty when all commits were done
}
