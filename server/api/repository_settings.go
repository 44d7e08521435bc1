package api

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/store"
)

// settingsLayer is one of the texts that the settings of a repository are made of.
type settingsLayer struct {
	Source  string `json:"source" enum:"organisation,repository,file" doc:"where it is written: for all repositories, for this one, or in its own files"`
	File    string `json:"file" doc:"of source file: the path in the repository"`
	Text    string `json:"text" doc:"YAML"`
	Mistake string `json:"mistake" doc:"what is wrong with it; it does not count then"`
}

// settingsValue is one value of the settings of a repository.
type settingsValue struct {
	Key    string `json:"key" doc:"rules.aws-s3-unversioned"`
	Value  string `json:"value" doc:"YAML on one line"`
	Source string `json:"source" enum:"organisation,repository,file"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Counts bool   `json:"counts" doc:"false: another place, further down this list, wins"`
}

type repositorySettingsOutput struct {
	Body struct {
		Layers []settingsLayer `json:"layers" doc:"from the weakest to the strongest"`
		Values []settingsValue `json:"values" doc:"by key, from the weakest to the strongest place"`
		Commit string          `json:"commit" doc:"of the repository's own file; empty before the first scan"`
	}
}

type organisationSettingsOutput struct {
	Body struct {
		Text string `json:"text" doc:"YAML as in .plumbline.yaml; it lies below the settings of each repository"`
	}
}

type organisationSettingsInput struct {
	Body struct {
		Text string `json:"text" maxLength:"1048576"`
	}
}

func (s *Service) repositorySettings(api huma.API) {
	add(s, api, operation{id: "get-repository-settings", method: http.MethodGet, path: "/api/repositories/{id}/settings", tag: "repositories",
		summary: "What holds for scans of a repository, and where each value comes from", needs: access.RepositoryRead}, s.mergedSettings)
	add(s, api, operation{id: "get-scan-settings", method: http.MethodGet, path: "/api/settings/scan", tag: "repositories",
		summary: "Settings of scans of every repository", needs: access.RepositoryRead},
		func(ctx context.Context, call *Call, _ *struct{}) (*organisationSettingsOutput, error) {
			out := &organisationSettingsOutput{}
			var err error
			out.Body.Text, err = s.Store.ScanSettings(ctx, store.ID(call.Scope.Organisation))
			return out, err
		})
	add(s, api, operation{id: "set-scan-settings", method: http.MethodPut, path: "/api/settings/scan", tag: "repositories",
		summary: "Set the settings of scans of every repository", needs: access.SettingsWrite, whole: true, body: 2 << 20},
		func(ctx context.Context, call *Call, in *organisationSettingsInput) (*organisationSettingsOutput, error) {
			if err := s.checkSettings(in.Body.Text); err != nil {
				return nil, err
			}
			if !call.Scope.All {
				return nil, store.Refuse(store.Forbidden, "These settings are of the whole organisation, and so must the role be.")
			}
			org := store.ID(call.Scope.Organisation)
			out := &organisationSettingsOutput{}
			out.Body.Text = in.Body.Text
			return out, s.Store.Write(ctx, call.Entry("settings.scan", "organisation:"+org.String(), map[string]string{"text": in.Body.Text}), func(ctx context.Context, tx *store.Tx) error {
				return tx.SetScanSettings(ctx, org, in.Body.Text)
			})
		})
}

func (s *Service) mergedSettings(ctx context.Context, call *Call, in *oneRepositoryInput) (*repositorySettingsOutput, error) {
	r, err := s.Store.Repository(ctx, call.Scope, in.ID.ID)
	if err != nil {
		return nil, err
	}
	organisation, err := s.Store.ScanSettings(ctx, store.ID(call.Scope.Organisation))
	if err != nil {
		return nil, err
	}
	out := &repositorySettingsOutput{}
	out.Body.Layers, out.Body.Values = []settingsLayer{}, []settingsValue{}
	layers := []settingsLayer{{Source: "organisation", Text: organisation}, {Source: "repository", Text: r.Settings}}
	own, commit, err := s.ownSettings(ctx, r)
	if err != nil {
		return nil, err
	}
	out.Body.Commit = commit
	for _, l := range append(layers, own...) {
		if l.Text == "" {
			continue
		}
		if err := parseSettings(l.Text); err != nil {
			l.Mistake = err.Error()
		}
		out.Body.Layers = append(out.Body.Layers, l)
		if l.Mistake != "" {
			continue
		}
		entries, err := config.Entries([]byte(l.Text))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.Gathers() {
				for i := range out.Body.Values {
					if out.Body.Values[i].Key == e.Key() {
						out.Body.Values[i].Counts = false
					}
				}
			}
			out.Body.Values = append(out.Body.Values, settingsValue{e.Key(), e.Value, l.Source, l.File, e.Line, true})
		}
	}
	slices.SortStableFunc(out.Body.Values, func(a, b settingsValue) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	return out, nil
}

// maxSettings is the most bytes of a settings file that is shown.
const maxSettings = 1 << 20

// ownSettings reads the settings file at the top of a repository, as of the last scan of its default branch.
func (s *Service) ownSettings(ctx context.Context, r *store.Repository) (layers []settingsLayer, commit string, err error) {
	if s.Repositories.Mirror == nil || r.DefaultBranch == "" {
		return nil, "", nil
	}
	if commit, err = s.Store.ScannedHead(ctx, r.ID, r.DefaultBranch); err != nil || commit == "" {
		return nil, "", err
	}
	m := s.Repositories.Mirror(r.ID)
	if !m.Exists() {
		return nil, "", nil
	}
	for _, name := range config.FileNames {
		text, err := m.File(ctx, commit, name, maxSettings)
		if _, known := errors.AsType[*mirror.Error](err); known {
			continue // it has none of this name
		}
		if err != nil {
			return nil, "", err
		}
		layers = append(layers, settingsLayer{Source: "file", File: name, Text: string(text)})
	}
	return layers, commit, nil
}

// checkSettings refuses settings that a scan would not take, and those that make no sense on a server.
func (s *Service) checkSettings(text string) error {
	if err := parseSettings(text); err != nil {
		return store.Refuse(store.Invalid, "The settings are not right: %s.", err)
	}
	return nil
}

func parseSettings(text string) error {
	if text == "" {
		return nil
	}
	c, err := config.Load(oneFile(text), ".")
	if mistakes, ok := errors.AsType[config.Errors](err); ok {
		first := mistakes[0]
		return errors.New("line " + strconv.Itoa(first.Line) + ": " + first.Message)
	}
	if err != nil {
		return err
	}
	if c.Run.Baseline != "" || len(c.Run.Reports) > 0 || len(c.Run.RulePages) > 0 || c.Run.CacheOff {
		return errors.New("rule-pages, baseline, report and cache belong in the repository's own file")
	}
	return nil
}

// oneFile is a tree with a settings file of this text and nothing else.
type oneFile string

// Open opens the file.
func (f oneFile) Open(name string) (fs.File, error) {
	if name != config.FileNames[0] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openText{bytes.NewReader([]byte(f))}, nil
}

type openText struct{ *bytes.Reader }

func (t *openText) Stat() (fs.FileInfo, error) { return textInfo(t.Size()), nil }
func (t *openText) Close() error               { return nil }

type textInfo int64

func (n textInfo) Name() string     { return config.FileNames[0] }
func (n textInfo) Size() int64      { return int64(n) }
func (textInfo) Mode() fs.FileMode  { return 0o444 }
func (textInfo) ModTime() time.Time { return time.Time{} }
func (textInfo) IsDir() bool        { return false }
func (textInfo) Sys() any           { return nil }
