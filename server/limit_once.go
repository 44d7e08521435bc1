package server

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

const (
	// minKey and maxKey are the lengths of an idempotency key. Answers are sealed with it, so that it must not be guessed.
	minKey, maxKey = 16, 200

	maxAnswer = 1 << 20 // bytes of an answer that is kept
)

// passing are the answers that say nothing about the next try.
var passing = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests, http.StatusRequestTimeout}

// once makes a POST with an Idempotency-Key happen once: for a day, whoever sends it again gets the first answer again. The same key with
// another request is a mistake of the client.
func (s *Server) once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		call := api.CallOf(r.Context())
		if key == "" || r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/api/") || call.Subject.Kind == "" {
			next.ServeHTTP(w, r)
			return
		}
		if len(key) < minKey || len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
			signin.Refuse(w, http.StatusUnprocessableEntity, fmt.Sprintf("An Idempotency-Key has %d to %d printable characters that nobody can guess.", minKey, maxKey))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
		if err != nil {
			if _, long := errors.AsType[*http.MaxBytesError](err); long {
				signin.Refuse(w, http.StatusRequestEntityTooLarge, "This is more than the server takes in one request.")
				return
			}
			signin.Refuse(w, http.StatusRequestTimeout, "The request did not come whole, or not in time.")
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // writers of tests have none
		r.Body = io.NopCloser(bytes.NewReader(body))
		actor, asked := subjectOf(call), digest(r.Method, r.URL.RequestURI(), string(body))
		name := digest("key", actor, key)
		before, err := s.Store.Begin(r.Context(), actor, name, asked)
		switch {
		case err != nil:
			s.Log.ErrorContext(r.Context(), "idempotency", "request", call.Request, "error", err)
			signin.Refuse(w, http.StatusServiceUnavailable, "The server cannot tell whether it did this before. Try again with the same Idempotency-Key.")
		case before == nil:
			s.record(next, w, r, taken{actor, name, key, call.Request})
		case before.Request != asked:
			signin.Refuse(w, http.StatusUnprocessableEntity, "This Idempotency-Key was used for another request.")
		case before.Status == store.Changed && time.Since(before.At.Time()) > time.Minute:
			w.Header().Set("Idempotency-Replayed", "true")
			signin.Refuse(w, http.StatusConflict, "This was done before, but the server stopped before it could keep the answer. Look at what is there now.")
		case before.Status == 0 || before.Status == store.Changed:
			w.Header().Set("Retry-After", "1")
			signin.Refuse(w, http.StatusConflict, "This request is under way. Ask again in a moment with the same Idempotency-Key.")
		default:
			repeat(w, before.Status, before.Answer, key)
		}
	})
}

// taken is a key that a request has taken.
type taken struct{ actor, name, key, request string }

// answer is what is kept of an answer.
type answer struct {
	Header map[string]string
	Body   []byte
}

// record answers a request and keeps the answer.
func (s *Server) record(next http.Handler, w http.ResponseWriter, r *http.Request, t taken) {
	rec := &keeper{ResponseWriter: w, status: http.StatusOK}
	done := false
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
		defer cancel()
		var err error
		if !done || rec.status >= 500 || slices.Contains(passing, rec.status) {
			err = s.Store.Forget(ctx, t.actor, t.name)
		} else {
			var sealed []byte
			if !rec.long {
				if sealed, err = sealAnswer(t.key, answer{kept(w.Header()), rec.body.Bytes()}); err != nil {
					sealed = nil
				}
			}
			err = errors.Join(err, s.Store.Answer(ctx, t.actor, t.name, rec.status, sealed))
		}
		if err != nil {
			s.Log.ErrorContext(ctx, "idempotency", "request", t.request, "error", err)
		}
	}()
	next.ServeHTTP(rec, r.WithContext(store.Keyed(r.Context(), t.actor, t.name)))
	done = true
}

// kept are the headers that belong to an answer.
func kept(h http.Header) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"Content-Type", "Location", "Content-Disposition"} {
		if v := h.Get(name); v != "" {
			out[name] = v
		}
	}
	return out
}

func repeat(w http.ResponseWriter, status int, sealed []byte, key string) {
	w.Header().Set("Idempotency-Replayed", "true")
	a, err := openAnswer(key, sealed)
	if err != nil {
		signin.Refuse(w, http.StatusConflict, fmt.Sprintf("This was done before (status %d), but the answer is not kept.", status))
		return
	}
	for name, v := range a.Header {
		w.Header().Set(name, v)
	}
	w.WriteHeader(status)
	_, _ = w.Write(a.Body) // whoever asked is gone when this fails
}

// keeper keeps what is answered while it goes out.
type keeper struct {
	http.ResponseWriter
	status int
	wrote  bool
	body   bytes.Buffer
	long   bool
}

func (r *keeper) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *keeper) Write(p []byte) (int, error) {
	r.wrote = true
	if r.body.Len()+len(p) > maxAnswer {
		r.long = true
		r.body.Reset()
	}
	if !r.long {
		r.body.Write(p)
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (r *keeper) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// answerCipher is the key that seals an answer: it is made of what only the client knows, because answers can hold what is shown once.
func answerCipher(key string) (cipher.AEAD, error) {
	sum := sha256.Sum256([]byte("plumbline answer\x00" + key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func sealAnswer(key string, a answer) ([]byte, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	c, err := answerCipher(key)
	if err != nil {
		return nil, err
	}
	return c.Seal(nil, nil, text, nil), nil
}

func openAnswer(key string, sealed []byte) (a answer, err error) {
	c, err := answerCipher(key)
	if err != nil {
		return a, err
	}
	text, err := c.Open(nil, nil, sealed, nil)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(text, &a)
}

// digest is the SHA-256 of texts, each told apart from the next.
func digest(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(sum, "%d ", len(p))
		io.WriteString(sum, p)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
