package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"plumbline.dev/plumbline/store"
)

// codec keeps the values of a session, all texts, as JSON.
type codec struct{}

type record struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

// Encode implements scs.Codec.
func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	r := record{deadline, map[string]string{}}
	for k, v := range values {
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("a session keeps texts, and %s is a %T", k, v)
		}
		r.Values[k] = text
	}
	return json.Marshal(r)
}

// Decode implements scs.Codec.
func (codec) Decode(b []byte) (time.Time, map[string]any, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return time.Time{}, nil, fmt.Errorf("read a session: %w", err)
	}
	values := map[string]any{}
	for k, v := range r.Values {
		values[k] = v
	}
	return r.Deadline, values, nil
}

// sessionStore is where scs keeps sessions: the database. It keeps who a session is of in columns, to list and to end sessions by.
type sessionStore struct{ s *Service }

type graceKey struct{}

// FindCtx implements scs.CtxStore.
func (t *sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if len(token) > 100 {
		return nil, false, nil
	}
	v, err := t.s.Store.Session(ctx, Hash(token), millis(idle))
	if err != nil || v == nil {
		return nil, false, err
	}
	visitOf(ctx).session = v
	return []byte(v.Data), true, nil
}

// CommitCtx implements scs.CtxStore.
func (t *sessionStore) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("read a session: %w", err)
	}
	now, at := store.MillisOf(t.s.Now()), visitOf(ctx)
	v := store.Session{ID: t.s.Store.NewID(), Hash: Hash(token), Method: r.Values["method"], Data: string(b), CreatedAt: now, SeenAt: now,
		ExpiresAt: store.MillisOf(expiry), Address: at.address, Agent: at.agent}
	for key, id := range map[string]*store.ID{"person": &v.Person, "organisation": &v.Organisation} {
		if text := r.Values[key]; text != "" {
			if err := id.UnmarshalText([]byte(text)); err != nil {
				return fmt.Errorf("read a session: %s: %w", key, err)
			}
		}
	}
	if since := r.Values["since"]; since != "" { // a cookie that changes because rights did makes nobody signed in later
		if err := v.CreatedAt.UnmarshalText([]byte(since)); err != nil {
			return fmt.Errorf("read a session: %w", err)
		}
	}
	return t.s.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.SaveSession(ctx, v) })
}

// DeleteCtx implements scs.CtxStore.
func (t *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	var left store.Millis
	if ctx.Value(graceKey{}) != nil {
		left = millis(grace)
	}
	return t.s.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.EndSession(ctx, Hash(token), left) })
}

var errContext = errors.New("sessions are looked up with a context")

// Find implements scs.Store; nobody calls it.
func (*sessionStore) Find(string) ([]byte, bool, error) { return nil, false, errContext }

// Commit implements scs.Store; nobody calls it.
func (*sessionStore) Commit(string, []byte, time.Time) error { return errContext }

// Delete implements scs.Store; nobody calls it.
func (*sessionStore) Delete(string) error { return errContext }
