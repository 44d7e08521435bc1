package signin

import (
	"context"
	"fmt"
	"time"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

// firstEmail is the address of the first administrator until somebody writes a better one.
const firstEmail = "administrator@localhost"

// Bootstrap makes the first organisation when there is none, and returns the link by which its administrator signs in; also when
// nobody has used one so far. Afterwards it returns "".
func (s *Service) Bootstrap(ctx context.Context) (link string, err error) {
	o, err := s.Store.FirstOrganisation(ctx)
	if err == nil {
		person, seen, err := s.Store.FirstAdministrator(ctx, o.ID)
		if err != nil || person == 0 || seen != 0 {
			return "", err
		}
		return s.administratorLink(ctx, o.ID, person)
	}
	ticket := random()
	err = s.Store.Write(ctx, store.Entry{Actor: "system", Action: "organisation.create", Object: "organisation", Data: map[string]any{"name": "Organisation"}},
		func(ctx context.Context, tx *store.Tx) error {
			organisation, person, err := tx.Bootstrap(ctx, "Organisation", firstEmail)
			if err != nil || person == 0 {
				ticket = ""
				return err
			}
			return tx.AddTicket(ctx, store.Ticket{Hash: Hash(ticket), Kind: "administrator", Person: person, Organisation: organisation, ExpiresAt: tx.Now + millis(ticketFor)})
		})
	if err != nil || ticket == "" {
		return "", err
	}
	return linkOf(ticket), nil
}

// AdministratorLink returns a one-time link for an administrator of the first organisation: the one with an address of mail, who
// becomes one when they are not yet, or the first when it is "". It is for who has the server's database in hand anyway.
func (s *Service) AdministratorLink(ctx context.Context, email string) (string, error) {
	o, err := s.Store.FirstOrganisation(ctx)
	if err != nil {
		return s.Bootstrap(ctx)
	}
	if email == "" {
		person, _, err := s.Store.FirstAdministrator(ctx, o.ID)
		if err != nil {
			return "", err
		}
		if person != 0 {
			return s.administratorLink(ctx, o.ID, person)
		}
		email = firstEmail
	}
	if email, err = store.Email(email); err != nil {
		return "", err
	}
	var person store.ID
	err = s.Store.Write(ctx, store.Entry{Organisation: o.ID, Actor: "system", Action: "person.administrator", Object: "person " + email},
		func(ctx context.Context, tx *store.Tx) error {
			if person, _, err = tx.Join(ctx, o.ID, email, email, access.Administrator); err != nil {
				return err
			}
			return tx.RestoreAdministrator(ctx, o.ID, person)
		})
	if err != nil {
		return "", fmt.Errorf("make an administrator: %w", err)
	}
	return s.administratorLink(ctx, o.ID, person)
}

func (s *Service) administratorLink(ctx context.Context, organisation, person store.ID) (string, error) {
	entry := store.Entry{Organisation: organisation, Actor: "system", Action: "person.link", Object: "person:" + person.String()}
	return s.link(ctx, entry, store.Ticket{Kind: "administrator", Person: person, Organisation: organisation}, ticketFor)
}

// Link makes a one-time link for somebody, which an administrator hands on. The entry is its audit record.
func (s *Service) Link(ctx context.Context, entry store.Entry, organisation, person store.ID) (string, error) {
	return s.link(ctx, entry, store.Ticket{Kind: "invitation", Person: person, Organisation: organisation}, inviteFor)
}

func (s *Service) link(ctx context.Context, entry store.Entry, t store.Ticket, valid time.Duration) (string, error) {
	ticket := random()
	t.Hash = Hash(ticket)
	err := s.Store.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) error {
		t.ExpiresAt = tx.Now + millis(valid)
		return tx.AddTicket(ctx, t)
	})
	if err != nil {
		return "", fmt.Errorf("make a link: %w", err)
	}
	return linkOf(ticket), nil
}

// linkOf is the path of a link, without the address of the server.
func linkOf(ticket string) string { return "/signin?ticket=" + ticket }

// errLink tells nobody whether there ever was such a link.
func errLink() error {
	return store.Refuse(store.Invalid, "This link has been used, or is too old. Ask for a new one; on the server itself, plumbline admin-link prints one (with the --data or --database of the server).")
}

// RedeemLink signs in who has the ticket of a link.
func (s *Service) RedeemLink(ctx context.Context, ticket, request string) error {
	t, err := s.Store.Ticket(ctx, Hash(ticket))
	if err != nil {
		return err
	}
	from := network(visitOf(ctx).address)
	if !s.addresses.open(from, s.Now()) {
		return errSlow()
	}
	refused := func() error {
		s.addresses.fail(from, s.Now())
		return s.refuse(ctx, "link", "", request, errLink())
	}
	if t == nil {
		return refused()
	}
	return s.arrive(ctx, arrival{t.Organisation, t.Person, "link", request, refused}, func(ctx context.Context, tx *store.Tx) error {
		used, err := tx.UseTicket(ctx, Hash(ticket))
		if err == nil && used == nil {
			err = errLink() // somebody was faster
		}
		return err
	})
}
