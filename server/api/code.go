package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

type fileInput struct {
	ID   Ref    `path:"id"`
	Ref  string `query:"ref" maxLength:"250" required:"true" doc:"complete id of a scanned commit, or the name of a branch"`
	Path string `query:"path" maxLength:"4096" required:"true" doc:"in the repository, with slashes"`
}

type fileOutput struct {
	Body struct {
		Commit string   `json:"commit"`
		Path   string   `json:"path"`
		Binary bool     `json:"binary" doc:"it is no text: there are no lines"`
		Lines  []string `json:"lines" doc:"without line ends; what holds a secret is hidden"`
	}
}

// maxCode is the most bytes of a file that is shown.
const maxCode = 1 << 20

func (s *Service) code(api huma.API) {
	add(s, api, operation{id: "get-file", method: http.MethodGet, path: "/api/repositories/{id}/file", tag: "repositories",
		summary: "A file as a scanned commit has it", needs: access.RepositoryRead}, s.file)
}

// file shows nothing but blobs of commits that were scanned: never the file system, never what a link leads to, and not the lines that
// hold secrets.
func (s *Service) file(ctx context.Context, call *Call, in *fileInput) (*fileOutput, error) {
	none := store.Refuse(store.NotFound, "There is no such file here.")
	r, err := s.Store.Repository(ctx, call.Scope, in.ID.ID)
	if err != nil {
		return nil, err
	}
	view, err := s.Store.FileView(ctx, call.Scope, r.ID, in.Path)
	if err != nil {
		return nil, err
	}
	commit := in.Ref
	if !mirror.IsCommit(commit) {
		if commit, err = s.Store.ScannedHead(ctx, r.ID, in.Ref); err != nil {
			return nil, err
		}
	} else if known, err := s.Store.WasScanned(ctx, r.ID, commit); err != nil || !known {
		return nil, errors.Join(err, none)
	}
	if commit == "" || s.Repositories.Mirror == nil {
		return nil, none
	}
	m := s.Repositories.Mirror(r.ID)
	if !m.Exists() {
		return nil, store.Refuse(store.NotFound, "The code of this repository is not at hand: it was not fetched here yet, or its results are only uploaded.")
	}
	content, err := m.File(ctx, commit, in.Path, maxCode)
	if problem, known := errors.AsType[*mirror.Error](err); known {
		if problem.Kind == mirror.TooLarge {
			return nil, store.Refuse(store.Invalid, "The file is larger than 1 MiB, which is more than is shown.")
		}
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	out := &fileOutput{}
	out.Body.Commit, out.Body.Path, out.Body.Lines = commit, in.Path, []string{}
	if bytes.IndexByte(content, 0) >= 0 || !utf8.Valid(content) {
		out.Body.Binary = true
		return out, nil
	}
	out.Body.Lines = shownLines(string(content), view.Hidden)
	return out, nil
}

// hiddenLine stands for a line that holds a secret.
const hiddenLine = "(hidden: this line holds a secret)"

var (
	keyBegins = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY`) })
	keyEnds   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`-----END [A-Z0-9 ]*PRIVATE KEY`) })
)

// shownLines splits a text into lines and hides those that findings or their looks say hold secrets. No line is lost: numbers stay right.
func shownLines(text string, hidden []int) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	inKey, masked := false, rule.MaskedLines(lines, false)
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		begins := keyBegins().MatchString(line)
		inKey = inKey || begins
		switch {
		case slices.Contains(hidden, i+1):
			lines[i] = hiddenLine
		case inKey:
			if keyEnds().MatchString(line) {
				inKey = false
			}
			lines[i] = hiddenLine
		default:
			lines[i] = seal.Redact(strings.TrimSuffix(masked[i], "\r"))
		}
	}
	return lines
}
