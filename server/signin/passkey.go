package signin

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"plumbline.dev/plumbline/store"
)

// errPasskey tells nobody why a passkey was refused.
func errPasskey() error {
	return store.Refuse(store.Forbidden, "This passkey does not sign you in here. Try another way, or ask an administrator for a link.")
}

// relying is what browsers bind passkeys to: the host by which the server was reached.
func (s *Service) relying(ctx context.Context) (*webauthn.WebAuthn, error) {
	base, err := url.Parse(visitOf(ctx).base)
	if err != nil {
		return nil, fmt.Errorf("read the address of the server: %w", err)
	}
	yes := true
	w, err := webauthn.New(&webauthn.Config{RPID: base.Hostname(), RPDisplayName: "Plumbline", RPOrigins: []string{visitOf(ctx).base},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{RequireResidentKey: &yes, ResidentKey: protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired},
		Timeouts: webauthn.TimeoutsConfig{Login: webauthn.TimeoutConfig{Enforce: true, Timeout: pending, TimeoutUVD: pending},
			Registration: webauthn.TimeoutConfig{Enforce: true, Timeout: pending, TimeoutUVD: pending}}})
	if err != nil {
		return nil, store.Refuse(store.Conflict, "Passkeys need a server with a name: browsers do not take them at %s. Start plumbline serve with --url.", base.Host)
	}
	return w, nil
}

// holder is a person as webauthn sees one.
type holder struct {
	id          store.ID
	email, name string
	keys        []webauthn.Credential
}

// WebAuthnID implements webauthn.User.
func (h *holder) WebAuthnID() []byte { return binary.BigEndian.AppendUint64(nil, uint64(h.id)) }

// WebAuthnName implements webauthn.User.
func (h *holder) WebAuthnName() string { return h.email }

// WebAuthnDisplayName implements webauthn.User.
func (h *holder) WebAuthnDisplayName() string { return h.name }

// WebAuthnCredentials implements webauthn.User.
func (h *holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// holder reads somebody's passkeys.
func (s *Service) holder(ctx context.Context, person store.ID) (*holder, []store.Passkey, error) {
	h := &holder{id: person}
	list, err := s.Store.Passkeys(ctx, person)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range list {
		var c webauthn.Credential
		if err := json.Unmarshal([]byte(p.Data), &c); err != nil {
			return nil, nil, fmt.Errorf("read the passkey %s: %w", p.ID, err)
		}
		h.keys = append(h.keys, c)
	}
	return h, list, nil
}

// begin keeps a ceremony in the request's session, for one answer.
func (s *Service) begin(ctx context.Context, data *webauthn.SessionData) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("keep a ceremony: %w", err)
	}
	s.sessions.Put(ctx, "ceremony", string(text))
	return nil
}

// ceremony takes what begin kept.
func (s *Service) ceremony(ctx context.Context) (data webauthn.SessionData, err error) {
	text := s.sessions.PopString(ctx, "ceremony")
	if text == "" {
		return data, store.Refuse(store.Conflict, "This took too long, or was answered before. Begin again.")
	}
	return data, json.Unmarshal([]byte(text), &data)
}

// BeginPasskey returns what a browser asks its passkeys to sign.
func (s *Service) BeginPasskey(ctx context.Context) (*protocol.CredentialAssertion, error) {
	w, err := s.relying(ctx)
	if err != nil {
		return nil, err
	}
	options, data, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("begin to ask for a passkey: %w", err)
	}
	return options, s.begin(ctx, data)
}

// Passkey signs in who answers with a passkey that is known.
func (s *Service) Passkey(ctx context.Context, answer []byte, request string) error {
	from := network(visitOf(ctx).address)
	if !s.addresses.open(from, s.Now()) {
		return errSlow()
	}
	w, err := s.relying(ctx)
	if err != nil {
		return err
	}
	data, err := s.ceremony(ctx)
	if err != nil {
		return err
	}
	refused := func() error {
		s.addresses.fail(from, s.Now())
		return s.refuse(ctx, "passkey", "", request, errPasskey())
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return refused()
	}
	var who *holder
	var known []store.Passkey
	_, credential, err := w.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if len(handle) != 8 {
			return nil, errors.New("no handle of ours")
		}
		var err error
		who, known, err = s.holder(ctx, store.ID(binary.BigEndian.Uint64(handle)))
		return who, err
	}, data, parsed)
	if err != nil || credential.Authenticator.CloneWarning {
		return refused()
	}
	text, err := json.Marshal(credential)
	if err != nil {
		return fmt.Errorf("keep a passkey: %w", err)
	}
	id := base64.RawURLEncoding.EncodeToString(credential.ID)
	return s.arrive(ctx, arrival{person: who.id, method: "passkey", request: request, refused: refused}, func(ctx context.Context, tx *store.Tx) error {
		for _, p := range known {
			if p.Credential == id {
				return tx.UsePasskey(ctx, p.ID, string(text))
			}
		}
		return errPasskey()
	})
}

// BeginRegistration returns what a browser asks a new passkey of somebody to sign.
func (s *Service) BeginRegistration(ctx context.Context, person store.ID, email, name string) (*protocol.CredentialCreation, error) {
	if err := s.own(ctx, person); err != nil {
		return nil, err
	}
	w, err := s.relying(ctx)
	if err != nil {
		return nil, err
	}
	h, _, err := s.holder(ctx, person)
	if err != nil {
		return nil, err
	}
	h.email, h.name = email, name
	options, data, err := w.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("begin to register a passkey: %w", err)
	}
	return options, s.begin(ctx, data)
}

// Register keeps a new passkey of somebody.
func (s *Service) Register(ctx context.Context, entry store.Entry, person store.ID, name string, answer []byte) error {
	if err := s.own(ctx, person); err != nil {
		return err
	}
	w, err := s.relying(ctx)
	if err != nil {
		return err
	}
	data, err := s.ceremony(ctx)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return store.Refuse(store.Invalid, "What the browser sent is no passkey.")
	}
	h, _, err := s.holder(ctx, person)
	if err != nil {
		return err
	}
	credential, err := w.CreateCredential(h, data, parsed)
	if err != nil {
		return store.Refuse(store.Invalid, "The passkey does not belong to this server, or took too long. Begin again.")
	}
	text, err := json.Marshal(credential)
	if err != nil {
		return fmt.Errorf("keep a passkey: %w", err)
	}
	return s.Store.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddPasskey(ctx, store.Passkey{ID: s.Store.NewID(), Person: person, Credential: base64.RawURLEncoding.EncodeToString(credential.ID), Name: name, Data: string(text)})
	})
}
