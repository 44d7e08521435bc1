package api

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/store"
)

// sealCredential checks a credential against the address that it is for, and seals it. nil gives nil; kind none gives the empty one.
func (s *Service) sealCredential(repository store.ID, address *mirror.Address, c *credentialBody) (*store.Sealed, error) {
	switch {
	case c == nil:
		return nil, nil
	case c.Kind == "none":
		return &store.Sealed{}, nil
	case s.Repositories.Keys == nil:
		return nil, store.Refuse(store.Conflict, "This server has no master key to seal credentials with.")
	case address == nil || address.Scheme == "file":
		return nil, store.Refuse(store.Invalid, "A credential is for an address of https or ssh.")
	case c.Secret == "":
		return nil, store.Refuse(store.Invalid, "The credential is empty: give its secret, or the kind none.")
	case (c.Kind == "ssh-key") != (address.Scheme == "ssh"):
		return nil, store.Refuse(store.Invalid, "An address of https takes a token or a password, one of ssh a private key.")
	case c.Kind == "password" && c.User == "":
		return nil, store.Refuse(store.Invalid, "A password belongs to a user: give its name.")
	case strings.ContainsFunc(c.User, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, store.Refuse(store.Invalid, "The name of the user has characters that no name has.")
	}
	out := mirror.Credential{User: c.User}
	if c.Kind == "ssh-key" {
		key := []byte(strings.TrimSpace(strings.ReplaceAll(c.Secret, "\r\n", "\n")) + "\n")
		if err := checkPrivateKey(key); err != nil {
			return nil, err
		}
		out.Key = key
	} else {
		out.Password = strings.TrimSpace(c.Secret)
		if strings.ContainsFunc(out.Password, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, store.Refuse(store.Invalid, "A token or password is one line without control characters.")
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write a credential: %w", err)
	}
	sealed, err := s.Repositories.Keys.Seal(text, CredentialPlace(repository))
	if err != nil {
		return nil, fmt.Errorf("seal the credential of a repository: %w", err)
	}
	return &store.Sealed{Kind: c.Kind, Content: sealed}, nil
}

// checkPrivateKey refuses what ssh could not use without asking a person. The text never stands in the error.
func checkPrivateKey(key []byte) error {
	block, rest := pem.Decode(key)
	switch {
	case block == nil || len(bytes.TrimSpace(rest)) > 0:
		return store.Refuse(store.Invalid, "This is not a private key: it begins with -----BEGIN … PRIVATE KEY----- and ends with -----END … PRIVATE KEY-----.")
	case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return store.Refuse(store.Invalid, "This is a %s, not a private key.", strings.ToLower(clip(block.Type)))
	case strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") || strings.HasPrefix(block.Type, "ENCRYPTED") || block.Type == "OPENSSH PRIVATE KEY" && openSSHCipher(block.Bytes) != "none":
		return store.Refuse(store.Invalid, "The private key has a passphrase, which nobody can type here: make a key without one for this repository alone (ssh-keygen -t ed25519 -N ''). It is sealed here.")
	}
	return nil
}

// openSSHCipher reads how OpenSSH's own form of a key is encrypted; "none" when it is not, "" when it cannot be read.
func openSSHCipher(b []byte) string {
	rest, ok := bytes.CutPrefix(b, []byte("openssh-key-v1\x00"))
	if !ok || len(rest) < 4 {
		return ""
	}
	n := binary.BigEndian.Uint32(rest)
	if rest = rest[4:]; uint64(n) > uint64(len(rest)) {
		return ""
	}
	return string(rest[:n])
}
