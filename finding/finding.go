// Package finding is the pure data that a scan produces. It imports nothing above values and decides nothing.
package finding

import (
	"fmt"
	"time"

	"plumbline.dev/plumbline/source"
)

// Severity says how bad a finding is. The zero is not a severity.
type Severity uint8

// The severities, from the mildest.
const (
	Info Severity = iota + 1
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"", "info", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severityNames[s] }

// MarshalText writes the lower-case word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a lower-case word.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, n := range severityNames {
		if i > 0 && n == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a severity: use critical, high, medium, low or info", text)
}

// Outcome is what a rule says of a resource.
type Outcome uint8

// The outcomes. The zero is not an outcome.
const (
	Pass Outcome = iota + 1
	Fail
	Undecided
)

var outcomeNames = [...]string{"", "pass", "fail", "undecided"}

func (o Outcome) String() string { return outcomeNames[o] }

// MarshalText writes the lower-case word.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads a lower-case word.
func (o *Outcome) UnmarshalText(text []byte) error {
	for i, n := range outcomeNames {
		if i > 0 && n == string(text) {
			*o = Outcome(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not an outcome", text)
}

// Finding is a rule that a resource breaks, or (Outcome Undecided) one that could not be decided.
type Finding struct {
	ID          string // identity, see Identify: stable when lines move or files are renamed
	Twin        string // second key: rule and normalised text of the block; recognises moved and renamed blocks
	Rule        string // id of the rule
	Severity    Severity
	Outcome     Outcome
	Message     string
	Resource    Resource
	Path        string    // the attribute that decided, "" for the resource as a whole
	Location    Location  // of that attribute, or of its nearest existing ancestor
	Related     []Related // other attributes that took part, and where values come from
	Evidence    []Evidence
	Waits       []Wait // of undecided ones: the inputs that would decide
	Fixes       []Fix
	Secret      bool         // it is about a secret: nothing that is quoted at its place is to be shown
	Suppression *Suppression // nil when it is to be reported
}

// Resource is what a finding says about the resource it is on.
type Resource struct {
	Address  string
	Type     string
	Native   string // the dialect's own word for the type, where it is not Type: AWS::S3::Bucket
	Provider string
	Dialect  string
	Unit     string    // directory of the unit
	Maybe    bool      // whether it exists depends on something unknown
	Variants []string  // the sets of inputs under which it fails; empty when there is but one
	Calls    []Related // the module calls that led to it, outermost first
	Range    Location  // the whole declaration
}

// Location is a range with its positions for people. End is the position after the last character.
type Location struct {
	source.Range
	From source.Position
	To   source.Position
}

// Related is another place that matters to a finding.
type Related struct {
	Location Location
	Text     string
}

// Evidence is a value that the expression saw.
type Evidence struct {
	Path  string    // attribute, with the address in front when it is another resource's
	Value string    // as JSON; "(sensitive)" and "(unknown)" and "(not set)" stand for what cannot be shown
	From  []Related // the way from where it is used to where it was written
}

// Wait is an input that would decide an undecided verdict.
type Wait struct {
	Name     string   // var.kms_key
	Kind     string   // variable, data, computed, module, function
	Location Location // where the input is declared; zero when nobody knows
}

// Fix is a proved change of text: it went through every gate of package fix.
type Fix struct {
	Title  string // set metadata_options.http_tokens to "required"
	Edits  []Edit
	Shared []string // addresses of other resources that change too

	// Caution is what the fix may break that works today, in one line; empty when nothing does. Such a fix is applied only when
	// somebody asks for it by name.
	Caution string
}

// Edit is a replacement of text with the positions that reports need.
type Edit struct {
	Location Location
	Text     string
}

// SuppressionKind says who made a suppression.
type SuppressionKind string

// The kinds of suppressions.
const (
	Inline   SuppressionKind = "inline"
	Settings SuppressionKind = "settings"
	Baseline SuppressionKind = "baseline"
)

// Suppression is someone's decision that a finding is not to be reported.
type Suppression struct {
	Kind     SuppressionKind
	Rules    []string // ids as written, aliases and * included
	Reason   string
	Until    time.Time // zero when it does not expire; it still holds on that day
	Location Location  // where it was written
}

// Hygiene is something wrong with a suppression.
type Hygiene struct {
	Kind        string // unused, expired, unexplained, unknown-rule, malformed
	Suppression Suppression
	Message     string
}

// Problem is a source.Problem with its place for people.
type Problem struct {
	Kind     source.ProblemKind
	Location Location // From is zero when only the file is known
	Message  string
	Unit     string // the unit whose evaluation met it, when there is one
}

// Report is everything that a scan has to say. Slices are sorted so that equal inputs give equal reports.
type Report struct {
	Tool      Tool
	Root      string    // the directory that was scanned, as given
	Findings  []Finding // fails, suppressed ones included, by severity (worst first), file, position, rule, address
	Undecided []Finding // undecided verdicts in the same order
	Problems  []Problem // by file and position
	Hygiene   []Hygiene
	Rules     []Rule    // the rules that findings name, by id
	Judged    []string  // ids of the rules that gave at least one verdict on something that they are about
	Grounds   []Ground  // where they did; by files
	Controls  []Control // of the frameworks that were asked for, in their order
	Coverage  Coverage
}

// Ground says that some rules gave verdicts on something that they are about in each of some files.
type Ground struct {
	Rules []int    // positions in Report.Judged, ascending
	Files []string // sorted; each is in one ground only
}

// Tool says which program made a report.
type Tool struct {
	Version string
}

// Rule is what reports say about a rule.
type Rule struct {
	ID       string
	Title    string
	Severity Severity
	Category string
	Why      string              // Markdown
	Controls map[string][]string // framework id to control ids
	Aliases  []string
}

// Control is what a scan says of one control of a compliance framework.
type Control struct {
	Framework  string // id: cis-aws-3.0.0
	ID         string // 5.6
	Title      string
	Status     string   // fail, undecided, accepted (all that fails is suppressed), pass, or uncovered when none of its rules had anything to judge
	Rules      []string // ids of the rules that serve it
	Findings   int
	Undecided  int
	Suppressed int
}

// Idle is what Coverage.Verdicts calls passes of resources that the rule is not about. They are no evidence, and not among the passes.
const Idle = "idle"

// Coverage counts what was looked at.
type Coverage struct {
	Files     int            // files read and parsed
	Dialects  map[string]int // the same by dialect
	Skipped   int            // files that no dialect claims
	Ignored   int            // files and folders that .gitignore or .plumblineignore files leave out, not counting what is in the folders
	Units     int
	Resources int
	Rules     int            // rules that applied to at least one resource
	Verdicts  map[string]int // by outcome; Idle counts apart
	Missing   []string       // modules that were not at hand, as address and source
}
