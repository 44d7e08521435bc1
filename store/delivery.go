package store

import (
	"context"
	"encoding/json"
	"fmt"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/notify"
)

// Delivery is a message to a channel, and what became of it.
type Delivery struct {
	ID       ID     `json:"id" doc:"as in the header webhook-id"`
	Title    string `json:"title"`
	State    string `json:"state" enum:"waiting,sent,failed" doc:"waiting: it is on its way, or tried again"`
	Attempts int    `json:"attempts"`
	Status   int    `json:"status" doc:"of the last answer: HTTP's, or SMTP's; 0 when there was none"`
	Problem  string `json:"problem" doc:"why the last attempt failed"`
	MadeAt   Millis `json:"madeAt"`
	TriedAt  Millis `json:"triedAt,omitempty" doc:"the last time"`

	Channel  ID     `json:"-"`
	Occasion string `json:"-"` // what it is about: a channel is told once
	Message  string `json:"-"` // notify.Message, JSON; "" when it is over
}

const deliveryColumns = "d.id, d.channel, d.occasion, d.title, d.message, d.state, d.attempts, d.status, d.problem, d.made_at, d.tried_at"

// Deliveries returns a page of the deliveries of a channel that a scope sees, the newest first. After is the last one of the page before.
func (s *Store) Deliveries(ctx context.Context, scope access.Scope, channel, after ID, limit int) ([]Delivery, error) {
	if _, err := channelOf(ctx, s.DB, scope, channel); err != nil {
		return nil, err
	}
	where, args := "", []any{channel}
	if after != 0 {
		where, args = " AND d.id < ?", append(args, after)
	}
	list := []Delivery{}
	if err := s.DB.NewRaw("SELECT "+deliveryColumns+" FROM delivery d WHERE d.channel = ?"+where+" ORDER BY d.id DESC LIMIT ?", append(args, limit)...).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

// DeliveryOf returns a delivery with its channel, for who sends it. One that was removed with its channel is NotFound.
func (s *Store) DeliveryOf(ctx context.Context, organisation, id ID) (*Delivery, *Channel, error) {
	d := &Delivery{}
	if err := s.DB.NewRaw("SELECT "+deliveryColumns+" FROM delivery d JOIN channel c ON c.id = d.channel WHERE d.id = ? AND c.organisation = ?", id, organisation).Scan(ctx, d); err != nil {
		return nil, nil, missing(err, "There is no such delivery any more.")
	}
	c, err := channelOf(ctx, s.DB, access.Scope{Organisation: int64(organisation), All: true}, d.Channel)
	return d, c, err
}

// Read returns what a delivery says while it is not over.
func (d *Delivery) Read() (m notify.Message, err error) {
	if err := json.Unmarshal([]byte(d.Message), &m); err != nil {
		return m, fmt.Errorf("read a message: %w", err)
	}
	return m, nil
}

// DropDelivery ends a delivery that is not to be sent any more, for a reason that people can read.
func (tx *Tx) DropDelivery(ctx context.Context, id ID, reason string) error {
	if _, err := tx.NewRaw("UPDATE delivery SET state = 'failed', problem = ?, message = '' WHERE id = ?", reason, id).Exec(ctx); err != nil {
		return fmt.Errorf("drop a message: %w", err)
	}
	return nil
}

// AddDelivery keeps a message that is to be sent, and returns its id; 0 when the channel was told of this occasion already.
func (tx *Tx) AddDelivery(ctx context.Context, channel ID, occasion string, m notify.Message) (ID, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return 0, fmt.Errorf("write a message: %w", err)
	}
	id := tx.Store.NewID()
	r, err := tx.NewRaw("INSERT INTO delivery (id, channel, occasion, title, message, state, made_at) VALUES (?, ?, ?, ?, ?, 'waiting', ?) ON CONFLICT (channel, occasion) DO NOTHING",
		id, channel, occasion, m.Title(), string(text), tx.Now).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("keep a message: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return 0, err
	}
	return id, nil
}

// TryDelivery notes that a delivery is about to be tried.
func (tx *Tx) TryDelivery(ctx context.Context, id ID) error {
	if _, err := tx.NewRaw("UPDATE delivery SET attempts = attempts + 1, tried_at = ? WHERE id = ?", tx.Now, id).Exec(ctx); err != nil {
		return fmt.Errorf("note that a message is sent: %w", err)
	}
	return nil
}

// Delivered is how an attempt at a delivery ended.
type Delivered struct {
	ID      ID
	Channel ID
	State   string // waiting: it is tried again; sent; failed
	Status  int
	Problem string
}

// EndDelivery notes how an attempt ended, at the delivery and at its channel. The text of a message that is over is not kept.
func (tx *Tx) EndDelivery(ctx context.Context, d Delivered) error {
	if _, err := tx.NewRaw("UPDATE delivery SET state = ?, status = ?, problem = ?, message = CASE WHEN ? = 'waiting' THEN message ELSE '' END WHERE id = ?", d.State, d.Status, d.Problem, d.State, d.ID).Exec(ctx); err != nil {
		return fmt.Errorf("note how a message ended: %w", err)
	}
	query, args := "UPDATE channel SET failing_at = 0 WHERE id = ? AND failing_at <> 0", []any{d.Channel}
	if d.State != "sent" {
		query, args = "UPDATE channel SET failing_at = ? WHERE id = ? AND failing_at = 0", []any{tx.Now, d.Channel}
	}
	if _, err := tx.NewRaw(query, args...).Exec(ctx); err != nil {
		return fmt.Errorf("note how a message ended: %w", err)
	}
	return nil
}

// PauseChannel stops a channel for a reason that people can read. What waits for its next daily message is dropped.
func (tx *Tx) PauseChannel(ctx context.Context, id ID, reason string) error {
	for _, q := range []struct {
		text string
		args []any
	}{{"UPDATE channel SET state = 'paused', reason = ? WHERE id = ? AND state = 'active'", []any{reason, id}}, {"DELETE FROM channel_happening WHERE channel = ?", []any{id}}} {
		if _, err := tx.NewRaw(q.text, q.args...).Exec(ctx); err != nil {
			return fmt.Errorf("pause a channel: %w", err)
		}
	}
	return nil
}
