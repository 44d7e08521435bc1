package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

// longest is how far in the future an identity token of CI may expire: GitLab's live as long as a job may run.
const longest = 24 * time.Hour

// Audience is for whom an identity token must be made that uploads results of a repository: nobody else takes it, and it says
// which repository is meant.
func (s *Service) Audience(ctx context.Context, repository store.ID) string {
	return visitOf(ctx).base + "/repositories/" + repository.String()
}

// byIdentity says which pipeline shows an identity token of its code host: nobody unless an administrator trusts it with the one
// repository for which the token is made.
func (s *Service) byIdentity(ctx context.Context, token string) (access.Subject, error) {
	var said struct {
		Issuer   string   `json:"iss"`
		Audience audience `json:"aud"`
	}
	if len(token) > 16<<10 || !peek(token, &said) {
		return access.Subject{}, nil
	}
	prefix := visitOf(ctx).base + "/repositories/"
	for _, aud := range said.Audience {
		text, ok := strings.CutPrefix(aud, prefix)
		var repository store.ID
		if !ok || repository.UnmarshalText([]byte(text)) != nil {
			continue
		}
		trusts, err := s.Store.TrustsOfIssuer(ctx, said.Issuer, repository)
		if err != nil || len(trusts) == 0 { // unknown issuers are not asked
			return access.Subject{}, err
		}
		claims, err := s.verify(ctx, said.Issuer, aud, token)
		if err != nil {
			s.Log.WarnContext(ctx, "identity token refused", "issuer", said.Issuer, "repository", repository, "error", err)
			return access.Subject{}, nil
		}
		for _, t := range trusts {
			if matches(t.Claims, claims) {
				return s.pipeline(ctx, t)
			}
		}
	}
	return access.Subject{}, nil
}

func (s *Service) pipeline(ctx context.Context, t store.Trust) (access.Subject, error) {
	name := strings.TrimPrefix(t.Issuer, "https://")
	for _, claim := range []string{"repository", "project_path", "repository_id", "project_id", "sub"} {
		if v := t.Claims[claim]; v != "" {
			name += " " + v
			break
		}
	}
	who := access.Subject{Kind: "forge", ID: int64(t.ID), Name: name, Organisation: int64(t.Organisation), Role: access.Maintainer,
		Repository: int64(t.Repository), Only: []access.Permission{access.ReportUpload}}
	if now := store.MillisOf(s.Now()); now-t.UsedAt > millis(touch) {
		return who, s.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.TouchTrust(ctx, t.ID) })
	}
	return who, nil
}

// verify checks signature, issuer, audience and times of an identity token and returns its claims.
func (s *Service) verify(ctx context.Context, issuer, aud, token string) (map[string]any, error) {
	provider, err := s.issuers.provider(ctx, issuer, s.Now())
	if err != nil {
		return nil, err
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: aud, SupportedSigningAlgs: algorithms, Now: s.Now}).Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if left := verified.Expiry.Sub(s.Now()); left > longest {
		return nil, fmt.Errorf("it is valid for %v, more than a day", left.Round(time.Hour))
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		return nil, fmt.Errorf("read its claims: %w", err)
	}
	return claims, nil
}

// matches tells whether every claim that is wanted is there, as text or number, with exactly that text. Nothing wanted is no match.
func matches(want map[string]string, claims map[string]any) bool {
	for name, text := range want {
		switch v := claims[name].(type) {
		case string:
			if v != text {
				return false
			}
		case float64:
			if fmt.Sprintf("%.0f", v) != text {
				return false
			}
		default:
			return false
		}
	}
	return len(want) > 0
}

// audience is one text or several.
type audience []string

// UnmarshalJSON reads either.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// peek reads the claims of a token without believing them.
func peek(token string, into any) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Unmarshal(text, into) == nil
}
