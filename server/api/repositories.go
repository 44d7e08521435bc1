package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// Repositories is what the operations on repositories need besides the database.
type Repositories struct {
	AllowFile bool                                                               // repositories on the server's own disk may be connected
	Hosts     *outbound.Hosts                                                    // what is fetched from; nil: that is for the workers to say
	Keys      *seal.Ring                                                         // seals credentials; nil: none are taken
	Fetch     func(ctx context.Context, tx *store.Tx, repository store.ID) error // queues fetching and scanning; nil: nobody works
	Mirror    func(repository store.ID) mirror.Mirror                            // nil: this process has no mirrors, and shows no code
}

// CredentialPlace is what the credential of a repository is sealed for. What is sealed is a mirror.Credential as JSON.
func CredentialPlace(repository store.ID) seal.Place {
	return seal.Place{Kind: "repository.credential", ID: repository.String()}
}

type repositoryOutput struct{ Body store.Repository }

type listRepositoriesInput struct {
	Q      string `query:"q" maxLength:"200" doc:"text in the name or the address"`
	State  string `query:"state" enum:"active,paused,problem" doc:"only those in this state; problem: the last fetch or scan failed"`
	Sort   string `query:"sort" enum:"name,scanned,risk" default:"name" doc:"risk: the worst open findings first; scanned: the last scanned first"`
	Cursor string `query:"cursor" maxLength:"1000" doc:"where the page before ended: its next"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items of a page"`
}

type listRepositoriesOutput struct {
	Body struct {
		Items []store.Repository `json:"items"`
		Next  string             `json:"next" doc:"cursor of the next page; empty on the last one"`
	}
}

// credentialBody is a credential on its way in. It never goes out.
type credentialBody struct {
	Kind   string `json:"kind" enum:"none,token,password,ssh-key" doc:"none takes away what is kept"`
	User   string `json:"user,omitempty" maxLength:"200" doc:"of a password; for a token only where the host wants a certain one"`
	Secret string `json:"secret,omitempty" maxLength:"32768" doc:"the token, password or private key (without a passphrase); it is sealed and never given out again" writeOnly:"true"`
}

type addRepositoryInput struct {
	Body struct {
		Name          string          `json:"name,omitempty" maxLength:"200" doc:"unique; without one it is made of the address"`
		Address       string          `json:"address,omitempty" maxLength:"2000" doc:"https://host/path, ssh://git@host/path, git@host:path or file:///path; empty when results are only uploaded"`
		Credential    *credentialBody `json:"credential,omitempty"`
		DefaultBranch string          `json:"defaultBranch,omitempty" maxLength:"250" doc:"without one it is the branch that the host names"`
		Settings      string          `json:"settings,omitempty" maxLength:"1048576" doc:"YAML as in .plumbline.yaml; the repository's own files overlay it"`
	}
}

type changeRepositoryInput struct {
	ID   Ref `path:"id"`
	Body struct {
		Name          *string         `json:"name,omitempty" maxLength:"200"`
		Address       *string         `json:"address,omitempty" maxLength:"2000" doc:"of another host: the credential is to be given again"`
		Credential    *credentialBody `json:"credential,omitempty"`
		State         *string         `json:"state,omitempty" enum:"active,paused" doc:"paused: neither fetched nor scanned"`
		Settings      *string         `json:"settings,omitempty" maxLength:"1048576"`
		DefaultBranch *string         `json:"defaultBranch,omitempty" maxLength:"250"`
	}
}

type oneRepositoryInput struct {
	ID Ref `path:"id"`
}

func (s *Service) repositories(api huma.API) {
	add(s, api, operation{id: "list-repositories", method: http.MethodGet, path: "/api/repositories", tag: "repositories",
		summary: "Repositories with their open findings, last commit and last scan", needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, in *listRepositoriesInput) (*listRepositoriesOutput, error) {
			out := &listRepositoriesOutput{}
			var err error
			out.Body.Items, out.Body.Next, err = s.Store.Repositories(ctx, call.Scope, store.RepositoryQuery{Text: in.Q, State: in.State, Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit})
			return out, err
		})
	add(s, api, operation{id: "get-repository", method: http.MethodGet, path: "/api/repositories/{id}", tag: "repositories",
		summary: "One repository", needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, in *oneRepositoryInput) (*repositoryOutput, error) {
			return s.repository(ctx, call, in.ID.ID)
		})
	add(s, api, operation{id: "add-repository", method: http.MethodPost, path: "/api/repositories", tag: "repositories",
		summary: "Connect a repository; it is fetched and scanned at once", needs: access.RepositoryWrite, status: http.StatusCreated, body: 2 << 20}, s.addRepository)
	add(s, api, operation{id: "change-repository", method: http.MethodPatch, path: "/api/repositories/{id}", tag: "repositories",
		summary: "Change a repository: what is not sent stays", needs: access.RepositoryWrite, body: 2 << 20}, s.changeRepository)
	add(s, api, operation{id: "remove-repository", method: http.MethodDelete, path: "/api/repositories/{id}", tag: "repositories",
		summary: "Remove a repository with its findings and their history", needs: access.RepositoryWrite}, s.removeRepository)
	s.repositorySettings(api)
	s.commits(api)
	s.uploads(api)
}

func (s *Service) repository(ctx context.Context, call *Call, id store.ID) (*repositoryOutput, error) {
	r, err := s.Store.Repository(ctx, call.Scope, id)
	if err != nil {
		return nil, err
	}
	return &repositoryOutput{*r}, nil
}

func (s *Service) addRepository(ctx context.Context, call *Call, in *addRepositoryInput) (*repositoryOutput, error) {
	if !call.Scope.All || call.Scope.Repository != 0 {
		return nil, store.Refuse(store.Forbidden, "Connecting a repository needs a role in the whole organisation, because a new one belongs to no team.")
	}
	b := &in.Body
	r := store.Repository{ID: s.Store.NewID(), Name: strings.TrimSpace(b.Name), Settings: b.Settings, DefaultBranch: b.DefaultBranch}
	address, err := s.checkAddress(ctx, b.Address)
	if err != nil {
		return nil, err
	}
	if address != nil {
		r.Address = address.String()
		if r.Name == "" {
			r.Name = RepositoryName(address)
		}
	}
	if err := errors.Join(store.CheckRepositoryName(r.Name), checkBranchName(b.DefaultBranch)); err != nil {
		return nil, err
	}
	if err := s.checkSettings(b.Settings); err != nil {
		return nil, err
	}
	sealed, err := s.sealCredential(r.ID, address, b.Credential)
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		sealed = &store.Sealed{}
	}
	data := map[string]any{"name": r.Name, "address": r.Address, "credential": sealed.Kind}
	if err := s.Store.Write(ctx, call.Entry("repository.connect", "repository:"+r.ID.String()+" "+r.Name, data), func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddRepository(ctx, store.ID(call.Scope.Organisation), r, *sealed); err != nil {
			return err
		}
		return s.fetch(ctx, tx, r)
	}); err != nil {
		return nil, err
	}
	return s.repository(ctx, call, r.ID)
}

// fetch queues the first look at a repository that has an address.
func (s *Service) fetch(ctx context.Context, tx *store.Tx, r store.Repository) error {
	if s.Repositories.Fetch == nil || r.Address == "" || r.State == "paused" {
		return nil
	}
	return s.Repositories.Fetch(ctx, tx, r.ID)
}

func (s *Service) changeRepository(ctx context.Context, call *Call, in *changeRepositoryInput) (*repositoryOutput, error) {
	before, err := s.Store.Repository(ctx, call.Scope, in.ID.ID)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	change := store.RepositoryChange{Name: b.Name, State: b.State, Settings: b.Settings, DefaultBranch: b.DefaultBranch}
	now := before.Address
	data := map[string]any{}
	if b.Address != nil {
		now = *b.Address
	}
	address, err := s.checkAddress(ctx, now)
	if err != nil {
		if b.Address != nil || b.Credential != nil {
			return nil, err
		}
		address = nil // an old one that is not allowed any more does not keep the rest from being changed
	}
	if b.Address != nil {
		text := ""
		if address != nil {
			text = address.String()
		}
		change.Address = &text
		data["address"] = text
		if before.Credential != "" && b.Credential == nil && !sameHost(before.Address, address) {
			return nil, store.Refuse(store.Invalid, "This address is of another host, which must not get the credential of the old one by chance: give the credential again, or take it away.")
		}
	}
	if b.Credential != nil {
		if change.Credential, err = s.sealCredential(before.ID, address, b.Credential); err != nil {
			return nil, err
		}
		data["credential"] = change.Credential.Kind
	}
	if b.Settings != nil {
		if err := s.checkSettings(*b.Settings); err != nil {
			return nil, err
		}
		data["settings"] = *b.Settings
	}
	if b.DefaultBranch != nil {
		if err := checkBranchName(*b.DefaultBranch); err != nil {
			return nil, err
		}
		data["defaultBranch"] = *b.DefaultBranch
	}
	if b.Name != nil {
		data["name"] = *b.Name
	}
	if b.State != nil {
		data["state"] = *b.State
	}
	if len(data) == 0 {
		return s.repository(ctx, call, before.ID)
	}
	if err := s.Store.Write(ctx, call.Entry("repository.change", "repository:"+before.ID.String()+" "+before.Name, data), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.ChangeRepository(ctx, call.Scope, before.ID, change); err != nil {
			return err
		}
		after := *before
		after.Address = now
		if b.State != nil {
			after.State = *b.State
		}
		return s.fetch(ctx, tx, after)
	}); err != nil {
		return nil, err
	}
	return s.repository(ctx, call, before.ID)
}

func (s *Service) removeRepository(ctx context.Context, call *Call, in *oneRepositoryInput) (*struct{}, error) {
	before, err := s.Store.Repository(ctx, call.Scope, in.ID.ID)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"name": before.Name, "address": before.Address}
	return nil, s.Store.Write(ctx, call.Entry("repository.remove", "repository:"+before.ID.String()+" "+before.Name, data), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.RemoveRepository(ctx, call.Scope, before.ID)
		return err
	})
}

// checkAddress reads an address that somebody entered; nil for an empty one.
func (s *Service) checkAddress(ctx context.Context, text string) (*mirror.Address, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	a, err := mirror.ParseAddress(text)
	switch {
	case err != nil:
		return nil, store.Refuse(store.Invalid, "%s", sentence(err))
	case a.Scheme == "file" && !s.Repositories.AllowFile:
		return nil, store.Refuse(store.Invalid, "Repositories on the server's own disk are not taken here: plumbline serve --allow-file allows them.")
	case a.Scheme == "http":
		return nil, store.Refuse(store.Invalid, "Repositories are fetched over https or ssh: http lets others read and change what is fetched.")
	}
	if s.Repositories.Hosts == nil {
		return a, nil
	}
	if a.Scheme == "file" {
		err = s.Repositories.Hosts.Local(a.Path)
	} else {
		err = s.Repositories.reaches(ctx, a)
	}
	if err != nil {
		return nil, store.Refuse(store.Invalid, "%s", sentence(err))
	}
	return a, nil
}

// reaches returns why a host is never fetched from. One that cannot be looked up at the moment may be there later.
func (r Repositories) reaches(ctx context.Context, a *mirror.Address) error {
	port := cmp.Or(a.Port, map[string]string{"https": "443", "ssh": "22"}[a.Scheme])
	if err := r.Hosts.Check(a.Host, port); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	_, err := r.Hosts.Lookup(ctx, a.Host, port)
	if refused, ok := errors.AsType[*outbound.Refused](err); ok && !refused.Unknown {
		return refused
	}
	return nil
}

// sentence makes an error that is for people one that stands alone.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// RepositoryName makes a name of an address: its path.
func RepositoryName(a *mirror.Address) string {
	parts := strings.Split(strings.Trim(strings.TrimSuffix(strings.TrimRight(a.Path, "/"), ".git"), "/"), "/")
	if a.Scheme == "file" && len(parts) > 1 {
		parts = parts[len(parts)-1:]
	}
	return strings.Join(parts, "/")
}

// sameHost tells whether an address is of the same host as an older one: the same scheme, name and port.
func sameHost(older string, a *mirror.Address) bool {
	before, err := mirror.ParseAddress(older)
	return err == nil && a != nil && before.Scheme == a.Scheme && before.Host == a.Host && before.Port == a.Port
}

// checkBranchName refuses what git would not take as the name of a branch; "" is none.
func checkBranchName(name string) error {
	bad := strings.HasPrefix(name, "-") || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.HasSuffix(name, ".") || strings.HasSuffix(name, ".lock") ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.Contains(name, "//") ||
		strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) })
	if bad || len(name) > 250 {
		return store.Refuse(store.Invalid, "%q is not the name of a branch.", clip(name))
	}
	return nil
}

// clip shortens a text for an error.
func clip(text string) string {
	if runes := []rune(text); len(runes) > 80 {
		return fmt.Sprintf("%s…", string(runes[:80]))
	}
	return text
}
