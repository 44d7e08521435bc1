package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/notify"
	"plumbline.dev/plumbline/query"
)

// Rhythm is how often a channel is told.
type Rhythm string

// The rhythms.
const (
	PerScan Rhythm = "scan"  // when a scan has ended, and otherwise at once
	Daily   Rhythm = "daily" // at an hour
)

// Channel is where people are told of what happens to findings.
type Channel struct {
	ID         ID                 `json:"id"`
	Team       ID                 `json:"team,omitempty" doc:"it is told of nothing that the team does not own; absent for a channel of the organisation"`
	Name       string             `json:"name"`
	Kind       notify.Kind        `json:"kind" enum:"webhook,slack,teams,google-chat,email"`
	Shown      string             `json:"target" doc:"where it leads to, as far as it may be seen: the address is kept sealed"`
	Filter     string             `json:"filter" doc:"query of findings; of others it is not told"`
	Happenings []notify.Happening `json:"happenings" bun:"-" doc:"what it is told of: new, reopened, fixed, mute-ending, mute-ended, scan-failed, repository-problem"`
	Rhythm     Rhythm             `json:"rhythm" enum:"scan,daily" doc:"scan: one message when a scan has ended, and at once of what no scan brings; daily: one a day"`
	Hour       int                `json:"hour" doc:"of daily ones, in UTC"`
	NextAt     Millis             `json:"nextAt" doc:"of daily ones: when the next message is due"`
	State      string             `json:"state" enum:"active,paused"`
	Reason     string             `json:"reason" doc:"why the server has paused it; empty when a person has"`
	FailingAt  Millis             `json:"failingSince" doc:"since when nothing arrives; empty when the last message did"`
	CreatedBy  string             `json:"createdBy"`
	CreatedAt  Millis             `json:"createdAt"`
	Last       *Delivery          `json:"last,omitempty" bun:"-" doc:"the newest message"`

	Organisation ID     `json:"-"`
	Target       []byte `json:"-"` // sealed
	Secret       []byte `json:"-"` // sealed; empty for kinds that are not signed
	Wanted       string `json:"-" bun:"happenings"`
}

// maxChannels bounds what every scan is compared with, of one organisation.
const maxChannels = 200

const channelColumns = "c.id, c.organisation, coalesce(c.team, 0) AS team, c.name, c.kind, c.target, c.shown, c.secret, c.filter, c.happenings, c.rhythm, c.hour, c.next_at, c.state, c.reason, c.failing_at, c.created_by, c.created_at"

// seenChannels is the condition on channel c that a scope sees it: all of the organisation, or those of its teams.
func seenChannels(scope access.Scope) (string, []any) {
	switch {
	case !scope.Somewhere() || scope.Repository != 0:
		return "1 = 0", nil
	case scope.All:
		return "c.organisation = ?", []any{scope.Organisation}
	}
	return "c.organisation = ? AND c.team IN (?)", []any{scope.Organisation, bun.List(scope.Teams)}
}

// Channels lists the channels that a scope sees in the order in which they were made, each with its newest delivery.
func (s *Store) Channels(ctx context.Context, scope access.Scope) ([]Channel, error) {
	where, args := seenChannels(scope)
	list := []Channel{}
	if err := s.DB.NewRaw("SELECT "+channelColumns+" FROM channel c WHERE "+where+" ORDER BY c.id LIMIT ?", append(args, maxChannels)...).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("list the channels: %w", err)
	}
	ids := make([]ID, len(list))
	for i := range list {
		list[i].Happenings, ids[i] = happeningsOf(list[i].Wanted), list[i].ID
	}
	if len(ids) == 0 {
		return list, nil
	}
	var last []Delivery
	if err := s.DB.NewRaw("SELECT "+deliveryColumns+" FROM delivery d WHERE d.id IN (SELECT max(id) FROM delivery WHERE channel IN (?) GROUP BY channel)", bun.List(ids)).Scan(ctx, &last); err != nil {
		return nil, fmt.Errorf("read what was last sent: %w", err)
	}
	for i := range last {
		list[slices.Index(ids, last[i].Channel)].Last = &last[i]
	}
	return list, nil
}

// Channel returns a channel that a scope sees.
func (s *Store) Channel(ctx context.Context, scope access.Scope, id ID) (*Channel, error) {
	return channelOf(ctx, s.DB, scope, id)
}

func channelOf(ctx context.Context, db bun.IDB, scope access.Scope, id ID) (*Channel, error) {
	where, args := seenChannels(scope)
	c := &Channel{}
	if err := db.NewRaw("SELECT "+channelColumns+" FROM channel c WHERE "+where+" AND c.id = ?", append(args, id)...).Scan(ctx, c); err != nil {
		return nil, missing(err, "There is no such channel.")
	}
	c.Happenings = happeningsOf(c.Wanted)
	return c, nil
}

func happeningsOf(text string) []notify.Happening {
	out := []notify.Happening{}
	for _, h := range strings.Fields(text) {
		out = append(out, notify.Happening(h))
	}
	return out
}

// check refuses channels that make no sense, and brings the filter into its printed form.
func (c *Channel) check() error {
	q, err := query.Parse(c.Filter)
	if err != nil {
		return Refuse(Invalid, "The filter is not right: %v.", err)
	}
	switch {
	case q.Has("status"):
		return Refuse(Invalid, "Leave the status out of the filter: what is told of says it (new, fixed, …).")
	case q.Has("assignee") && slices.ContainsFunc(q.Terms, func(t query.Term) bool {
		return t.Key == "assignee" && slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Text == "me" })
	}):
		return Refuse(Invalid, "A channel is nobody: write an address of mail in place of assignee:me.")
	case !slices.Contains(notify.Kinds, c.Kind):
		return Refuse(Invalid, "%q is no kind of channel.", c.Kind)
	case c.Rhythm != PerScan && c.Rhythm != Daily:
		return Refuse(Invalid, "%q is no rhythm: scan or daily.", c.Rhythm)
	case c.Hour < 0 || c.Hour > 23:
		return Refuse(Invalid, "The hour is one of 0 to 23, in UTC.")
	case c.State != "active" && c.State != "paused":
		return Refuse(Invalid, "%q is no state of a channel: active or paused.", c.State)
	case len(c.Happenings) == 0:
		return Refuse(Invalid, "Say what to tell of: one thing at least.")
	}
	c.Filter = q.String()
	var wanted []string
	for _, h := range notify.Happenings { // in their order, each once
		if slices.Contains(c.Happenings, h) {
			wanted = append(wanted, string(h))
		}
	}
	for _, h := range c.Happenings {
		if !slices.Contains(notify.Happenings, h) {
			return Refuse(Invalid, "%q is nothing that one can be told of.", h)
		}
	}
	c.Wanted = strings.Join(wanted, " ")
	return nil
}

// SetChannel adds a channel, or changes the one with its id; without a target or a secret that one keeps its own. Its team must be of the
// scope, and without one the scope must be the whole organisation.
func (tx *Tx) SetChannel(ctx context.Context, scope access.Scope, c Channel) error {
	if err := c.check(); err != nil {
		return err
	}
	var team any
	if c.Team != 0 {
		if _, err := teamOf(ctx, tx, scope, c.Team); err != nil {
			return err
		}
		team = c.Team
	} else if !scope.Whole() {
		return Refuse(Forbidden, "A channel of the whole organisation is its administrators' business: name a team.")
	}
	c.NextAt = 0
	if c.Rhythm == Daily {
		c.NextAt = nextAt(tx.Now, c.Hour)
	}
	before, err := channelOf(ctx, tx, access.Scope{Organisation: scope.Organisation, All: true}, c.ID)
	if fault, refused := errors.AsType[*Fault](err); refused && fault.Kind == NotFound {
		var n int
		if err := tx.NewRaw("SELECT count(*) FROM channel WHERE organisation = ?", scope.Organisation).Scan(ctx, &n); err != nil {
			return fmt.Errorf("count the channels: %w", err)
		}
		if n >= maxChannels {
			return Refuse(Limited, "An organisation has at most %d channels.", maxChannels)
		}
		_, err := tx.NewRaw(`INSERT INTO channel (id, organisation, team, name, kind, target, shown, secret, filter, happenings, rhythm, hour, next_at, state, created_by, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, c.ID, scope.Organisation, team, c.Name, c.Kind, c.Target, c.Shown, c.Secret, c.Filter, c.Wanted, c.Rhythm, c.Hour, c.NextAt, c.State, c.CreatedBy, tx.Now).Exec(ctx)
		if err != nil {
			return fmt.Errorf("keep a channel: %w", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if len(c.Target) == 0 {
		c.Target, c.Shown = before.Target, before.Shown
	}
	if len(c.Secret) == 0 {
		c.Secret = before.Secret
	}
	failing := before.FailingAt
	if c.State == "active" && before.State != "active" || string(c.Target) != string(before.Target) {
		failing = 0 // it begins anew
	}
	if _, err := tx.NewRaw(`UPDATE channel SET team = ?, name = ?, kind = ?, target = ?, shown = ?, secret = ?, filter = ?, happenings = ?, rhythm = ?, hour = ?, next_at = ?, state = ?, reason = '', failing_at = ?
		WHERE id = ?`, team, c.Name, c.Kind, c.Target, c.Shown, c.Secret, c.Filter, c.Wanted, c.Rhythm, c.Hour, c.NextAt, c.State, failing, c.ID).Exec(ctx); err != nil {
		return fmt.Errorf("change a channel: %w", err)
	}
	if c.State == "active" && c.Rhythm == Daily && before.Team == c.Team {
		return nil
	}
	// What waits for the next daily message is for the rhythm, the team and the state that were.
	if _, err := tx.NewRaw("DELETE FROM channel_happening WHERE channel = ?", c.ID).Exec(ctx); err != nil {
		return fmt.Errorf("change a channel: %w", err)
	}
	return nil
}

// RemoveChannel removes a channel with its deliveries.
func (tx *Tx) RemoveChannel(ctx context.Context, scope access.Scope, id ID) (*Channel, error) {
	c, err := channelOf(ctx, tx, scope, id)
	if err != nil {
		return nil, err
	}
	if _, err := tx.NewRaw("DELETE FROM channel WHERE id = ?", id).Exec(ctx); err != nil {
		return nil, fmt.Errorf("remove a channel: %w", err)
	}
	return c, nil
}

// nextAt is the next time that it is an hour, later than now.
func nextAt(now Millis, hour int) Millis {
	at := now.Time().Truncate(24 * time.Hour).Add(time.Duration(hour) * time.Hour)
	if !at.After(now.Time()) {
		at = at.Add(24 * time.Hour)
	}
	return MillisOf(at)
}

// ScopeOf is where findings lie that a channel may be told of.
func (c *Channel) ScopeOf() access.Scope {
	scope := access.Scope{Organisation: int64(c.Organisation), All: c.Team == 0}
	if c.Team != 0 {
		scope.Teams = []int64{int64(c.Team)}
	}
	return scope
}

// Wants tells whether a channel is told of a happening.
func (c *Channel) Wants(h notify.Happening) bool {
	if h == notify.First {
		h = notify.New
	}
	return slices.Contains(c.Happenings, h)
}

// SetChannelSecret gives a channel another secret, sealed.
func (tx *Tx) SetChannelSecret(ctx context.Context, scope access.Scope, id ID, sealed []byte) error {
	if _, err := channelOf(ctx, tx, scope, id); err != nil {
		return err
	}
	if _, err := tx.NewRaw("UPDATE channel SET secret = ? WHERE id = ?", sealed, id).Exec(ctx); err != nil {
		return fmt.Errorf("change the secret of a channel: %w", err)
	}
	return nil
}
