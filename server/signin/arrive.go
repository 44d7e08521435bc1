package signin

import (
	"context"
	"strings"
	"time"

	"plumbline.dev/plumbline/store"
)

// fresh is how long ago somebody may have signed in who changes their ways to sign in.
const fresh = time.Hour

// errSlow is the answer to who has failed too often.
func errSlow() error {
	return store.Refuse(store.Limited, "Too many attempts. Wait a minute, or use a passkey or a link.")
}

// arrival is somebody who has proved who they are.
type arrival struct {
	organisation store.ID // 0 for the one in which they were last
	person       store.ID
	method       string
	request      string       // id of the request
	refused      func() error // records that they may not come in, and returns what they are told
}

// arrive signs somebody in: what do writes, the record of it and the session are there together, but for the cookie.
func (s *Service) arrive(ctx context.Context, a arrival, do func(context.Context, *store.Tx) error) error {
	if a.organisation == 0 {
		var err error
		if a.organisation, err = s.Store.Home(ctx, a.person); err != nil {
			return err
		}
	}
	who, err := s.Store.Subject(ctx, a.organisation, a.person)
	if err != nil {
		return err
	}
	if who.Kind == "" {
		return a.refused()
	}
	name := "person:" + a.person.String() + " " + who.Name
	entry := store.Entry{Organisation: a.organisation, Actor: name, Action: "session.start", Object: name, Data: map[string]any{"method": a.method},
		Address: visitOf(ctx).address, Request: a.request}
	err = s.Store.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) error {
		if err := do(ctx, tx); err != nil {
			return err
		}
		return tx.SignedIn(ctx, a.organisation, a.person, visitOf(ctx).address)
	})
	if err != nil {
		return err
	}
	return s.start(ctx, a.organisation, a.person, a.method)
}

// refuse records that somebody was not let in, and returns what they are told. Whom they said to be is what a stranger wrote.
func (s *Service) refuse(ctx context.Context, method, claimed, request string, told error) error {
	entry := store.Entry{Actor: "nobody", Action: "session.refuse", Object: strings.TrimSpace("person " + clip(claimed, 254)), Data: map[string]any{"method": method},
		Address: visitOf(ctx).address, Request: request}
	if err := s.Store.Write(ctx, entry, func(context.Context, *store.Tx) error { return nil }); err != nil {
		return err
	}
	return told
}

// own refuses to change how somebody signs in unless they have proved lately that they are who they are, and, when they are in
// several organisations, in a way that none of these organisations has in hand.
func (s *Service) own(ctx context.Context, person store.ID) error {
	v := visitOf(ctx).session
	if v == nil || v.Person != person {
		return store.Refuse(store.Forbidden, "This is for people who are signed in, not for tokens.")
	}
	if store.MillisOf(s.Now())-v.CreatedAt > millis(fresh) {
		return store.Refuse(store.Forbidden, "You signed in more than an hour ago. Sign in again to change how you sign in.")
	}
	if v.Method == "passkey" || v.Method == "password" {
		return nil
	}
	list, err := s.Store.Organisations(ctx, person)
	if err == nil && len(list) > 1 {
		return store.Refuse(store.Forbidden, "You are in several organisations: sign in by a passkey or your password to change how you sign in.")
	}
	return err
}

// Switch takes the request's person to another of their organisations. The cookie is a new one.
func (s *Service) Switch(ctx context.Context, entry store.Entry, organisation store.ID) error {
	v := visitOf(ctx).session
	if v == nil {
		return store.Refuse(store.Forbidden, "This is for people who are signed in, not for tokens.")
	}
	who, err := s.Store.Subject(ctx, organisation, v.Person)
	if err != nil {
		return err
	}
	if who.Kind == "" {
		return store.Refuse(store.NotFound, "There is no such organisation.")
	}
	if v.Method != "passkey" && v.Method != "password" && organisation != v.Organisation {
		return store.Refuse(store.Forbidden, "You signed in by what another organisation gave you: sign in by a passkey or your password to change over.")
	}
	entry.Organisation = organisation
	if err := s.Store.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) error {
		return tx.SignedIn(ctx, organisation, v.Person, visitOf(ctx).address)
	}); err != nil {
		return err
	}
	return s.start(ctx, organisation, v.Person, v.Method)
}
