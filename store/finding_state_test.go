package store_test

import (
	"testing"

	"plumbline.dev/plumbline/store"
)

// TestNext is the whole table of what can happen to a finding in every state that there is.
func TestNext(t *testing.T) {
	open := store.Life{Detected: true}
	muted := store.Life{Detected: true, Mute: store.RiskAccepted}
	inCode := store.Life{Detected: true, Mute: store.InCode}
	out := store.Life{Detected: true, Mute: store.Excluded}
	off := store.Life{Detected: true, Mute: store.RuleOff}
	fixed := store.Life{}
	kept := store.Life{Mute: store.RiskAccepted}
	refused := func(store.Life) store.Life { return store.Life{Mute: "refused"} }(open)
	for _, c := range []struct {
		from  store.Life
		h     store.Happening
		to    store.Life
		event string
	}{
		{open, store.Detect, open, ""}, {open, store.Excuse, inCode, "muted"}, {open, store.Lose, fixed, "fixed"}, {open, store.Mute, store.Life{Detected: true, Mute: store.NoFix}, "muted"},
		{open, store.Restore, refused, ""}, {open, store.Expire, open, ""},
		{muted, store.Detect, muted, ""}, {muted, store.Excuse, muted, ""}, {muted, store.Lose, kept, "fixed"}, {muted, store.Mute, store.Life{Detected: true, Mute: store.NoFix}, "muted"},
		{muted, store.Restore, open, "restored"}, {muted, store.Expire, open, "expired"},
		{inCode, store.Detect, open, "restored"}, {inCode, store.Excuse, inCode, ""}, {inCode, store.Lose, fixed, "fixed"}, {inCode, store.Mute, refused, ""},
		{inCode, store.Restore, refused, ""}, {inCode, store.Expire, inCode, ""},
		{open, store.Exclude, out, "muted"}, {muted, store.Exclude, muted, ""}, {inCode, store.Exclude, out, "muted"}, {off, store.Exclude, off, ""},
		{fixed, store.Exclude, fixed, ""}, {kept, store.Exclude, kept, ""},
		{out, store.Detect, open, "restored"}, {out, store.Excuse, inCode, "muted"}, {out, store.Exclude, out, ""}, {out, store.Lose, fixed, "fixed"},
		{out, store.Mute, refused, ""}, {out, store.Restore, refused, ""}, {out, store.Expire, out, ""},
		{off, store.Mute, refused, ""}, {off, store.Restore, refused, ""}, {off, store.Expire, off, ""},
		{fixed, store.Detect, open, "reopened"}, {fixed, store.Excuse, inCode, "reopened"}, {fixed, store.Lose, fixed, ""}, {fixed, store.Mute, refused, ""},
		{fixed, store.Restore, refused, ""}, {fixed, store.Expire, fixed, ""},
		{kept, store.Detect, muted, "reopened"}, {kept, store.Excuse, muted, "reopened"}, {kept, store.Lose, kept, ""}, {kept, store.Mute, refused, ""},
		{kept, store.Restore, fixed, "restored"}, {kept, store.Expire, fixed, "expired"},
	} {
		to, event, err := store.Next(c.from, c.h, store.NoFix)
		switch {
		case c.to == refused:
			if err == nil || to != c.from || event != "" {
				t.Errorf("%s of %+v is not refused: %+v %q", c.h, c.from, to, event)
			}
		case err != nil || to != c.to || event != c.event:
			t.Errorf("%s of %+v is %+v %q (%v), want %+v %q", c.h, c.from, to, event, err, c.to, c.event)
		}
		if status := to.Status(); store.LifeOf(status, to.Mute) != to {
			t.Errorf("%+v is not read back from its columns", to)
		}
	}
	for _, reason := range []store.Reason{"", "code", "rule-off", "excluded", "because"} {
		if _, _, err := store.Next(open, store.Mute, reason); err == nil {
			t.Errorf("%q is taken as a reason", reason)
		}
	}
}
