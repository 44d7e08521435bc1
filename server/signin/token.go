package signin

import (
	"context"
	"crypto/rand"
	"hash/crc32"
	"math/big"
	"strings"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

// A token is plb_, 256 random bits in 43 digits of base 62, _ and 6 digits of their CRC-32: programs that look for leaked secrets
// recognise it, and a mistyped one costs no look into the database.
const (
	tokenPrefix = "plb_"
	digits      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewToken makes the text of a token of the API, which is shown once, and its hint.
func NewToken() (token, hint string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never errs
	body := base62(new(big.Int).SetBytes(b[:]), 43)
	return tokenPrefix + body + "_" + checksum(body), tokenPrefix + body[:4]
}

func base62(n *big.Int, width int) string {
	out := make([]byte, width)
	base, rest := big.NewInt(62), new(big.Int)
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, base, rest)
		out[i] = digits[rest.Int64()]
	}
	return string(out)
}

func checksum(body string) string {
	return base62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))), 6)
}

// isToken tells whether a text has the form of a token, its checksum included.
func isToken(text string) bool {
	body, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(body) != 43+1+6 || body[43] != '_' || strings.Trim(body[:43], digits) != "" {
		return false
	}
	return checksum(body[:43]) == body[44:]
}

// bearer says who shows a token of the API or an identity token of CI: the zero for nobody. Whoever guesses has to wait.
func (s *Service) bearer(ctx context.Context, header string) (access.Subject, error) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return access.Subject{}, nil
	}
	from := network(visitOf(ctx).address)
	if !s.guesses.open(from, s.Now()) {
		return access.Subject{}, store.Refuse(store.Limited, "Too many tokens that are none came from your address. Wait a minute.")
	}
	var who access.Subject
	var err error
	switch {
	case isToken(token):
		who, err = s.byToken(ctx, token)
	case strings.Count(token, ".") == 2:
		who, err = s.byIdentity(ctx, token)
	}
	if err == nil && who.Kind == "" {
		s.guesses.fail(from, s.Now())
	}
	return who, err
}

func (s *Service) byToken(ctx context.Context, token string) (access.Subject, error) {
	t, err := s.Store.TokenByHash(ctx, Hash(token))
	if err != nil || t == nil {
		return access.Subject{}, err
	}
	who := access.Subject{Organisation: int64(t.Organisation), Role: t.Role}
	name := t.Name
	if t.Person != 0 {
		if who, err = s.Store.Subject(ctx, t.Organisation, t.Person); err != nil || who.Kind == "" {
			return access.Subject{}, err
		}
		name += " of " + who.Name
	}
	who.Kind, who.ID, who.Name, who.Repository, who.Only = "token", int64(t.ID), name, int64(t.Repository), t.Permissions
	if now := store.MillisOf(s.Now()); now-t.UsedAt > millis(touch) {
		err = s.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.TouchToken(ctx, t.ID) })
	}
	return who, err
}
