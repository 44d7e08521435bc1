package store

import "slices"

// Status is what people see of a finding on a branch.
type Status string

// The statuses.
const (
	StatusOpen  Status = "open"
	StatusMuted Status = "muted" // detected, and somebody decided that it is not to be reported
	StatusFixed Status = "fixed" // not detected any more by a scan that covered it
)

// Reason is why a finding is muted; "" when it is not.
type Reason string

// The reasons. People give all but InCode and Excluded.
const (
	FalsePositive Reason = "false-positive"
	RiskAccepted  Reason = "risk-accepted"
	PendingFix    Reason = "pending-fix"
	NoFix         Reason = "no-fix"
	Duplicate     Reason = "duplicate"
	OtherReason   Reason = "other"
	InCode        Reason = "code"     // a comment, the settings or a baseline of the repository suppresses it: only scans set and clear it
	Excluded      Reason = "excluded" // settings leave its place or its rule out, so that scans say nothing about it: only scans set and clear it
)

// Reasons lists the reasons that people can give.
var Reasons = []Reason{FalsePositive, RiskAccepted, PendingFix, NoFix, Duplicate, OtherReason}

// ofScans tells whether only scans set and clear it.
func (r Reason) ofScans() bool { return r == InCode || r == Excluded }

// Life is the state of a finding: two facts that change apart from each other, so that a mute outlives a fix that does not hold.
type Life struct {
	Detected bool
	Mute     Reason // kept while the finding is not detected
}

// LifeOf reads the state from the columns of a row.
func LifeOf(status Status, mute Reason) Life { return Life{status != StatusFixed, mute} }

// Status is what people see of the state.
func (l Life) Status() Status {
	switch {
	case !l.Detected:
		return StatusFixed
	case l.Mute != "":
		return StatusMuted
	}
	return StatusOpen
}

// Happening is what changes the state of a finding.
type Happening string

// The happenings.
const (
	Detect  Happening = "detect"  // a scan has it, and nothing in the code suppresses it
	Excuse  Happening = "excuse"  // a scan has it, and the code suppresses it
	Exclude Happening = "exclude" // a scan does not have it, because settings leave it out
	Lose    Happening = "lose"    // a scan that covered it does not have it
	Mute    Happening = "mute"    // by a person, with a reason
	Restore Happening = "restore" // by a person
	Expire  Happening = "expire"  // the time of a mute is over
)

// Next returns the state after something happened, and the kind of the event to record: "" when nothing is to be told. What makes no sense
// in a state is a Fault and leaves it as it is.
//
//	               open         muted           muted in code   excluded     fixed        fixed, mute kept
//	detect         –            –               → open          → open       → open       → muted
//	excuse         → in code    –               –               → in code    → in code    → muted
//	exclude        → excluded   –               → excluded      –            –            –
//	lose           → fixed      → fixed, kept   → fixed         → fixed      –            –
//	mute           → muted      → other reason  refused         refused      refused      refused
//	restore        refused      → open          refused         refused      refused      → fixed
//	expire         –            → open          –               –            –            → fixed
//
// A person's mute is stronger than what the code says and is not forgotten for it.
func Next(l Life, h Happening, reason Reason) (Life, string, error) {
	switch h {
	case Detect, Excuse:
		return l.detect(h)
	case Exclude:
		if !l.Detected || l.Mute != "" && l.Mute != InCode {
			return l, "", nil
		}
		l.Mute = Excluded
		return l, "muted", nil
	case Lose:
		if !l.Detected {
			return l, "", nil
		}
		l.Detected = false
		if l.Mute.ofScans() { // what is not there is not suppressed there
			l.Mute = ""
		}
		return l, "fixed", nil
	case Mute:
		if !slices.Contains(Reasons, reason) {
			return l, "", Refuse(Invalid, "%q is not a reason to mute: use one of %v", reason, Reasons)
		}
		if !l.Detected {
			return l, "", Refuse(Conflict, "the finding is fixed: there is nothing to mute")
		}
		if l.Mute == InCode {
			return l, "", Refuse(Conflict, "the finding is suppressed in the code: change it there")
		}
		if l.Mute == Excluded {
			return l, "", Refuse(Conflict, "settings leave the finding out of the scan: change them first")
		}
		if l.Mute == RuleOff {
			return l, "", Refuse(Conflict, "the rule is switched off: its findings are muted already")
		}
		l.Mute = reason
		return l, "muted", nil
	case Restore:
		switch l.Mute {
		case "":
			return l, "", Refuse(Conflict, "the finding is not muted")
		case InCode:
			return l, "", Refuse(Conflict, "the finding is suppressed in the code: remove the suppression there")
		case Excluded:
			return l, "", Refuse(Conflict, "settings leave the finding out of the scan: take it in again there")
		case RuleOff:
			return l, "", Refuse(Conflict, "the rule is switched off: switch it on again on its page")
		}
		l.Mute = ""
		return l, "restored", nil
	case Expire:
		if l.Mute == "" || l.Mute.ofScans() || l.Mute == RuleOff {
			return l, "", nil
		}
		l.Mute = ""
		return l, "expired", nil
	}
	return l, "", Refuse(Invalid, "%q does not happen to findings", h)
}

// detect is a scan that has the finding.
func (l Life) detect(h Happening) (Life, string, error) {
	was := l
	l.Detected = true
	switch {
	case h == Excuse && (l.Mute == "" || l.Mute == Excluded):
		l.Mute = InCode
	case h == Detect && l.Mute.ofScans():
		l.Mute = ""
	}
	switch {
	case !was.Detected:
		return l, "reopened", nil
	case was.Mute != InCode && l.Mute == InCode:
		return l, "muted", nil
	case was.Mute.ofScans() && l.Mute == "":
		return l, "restored", nil
	}
	return l, "", nil
}
