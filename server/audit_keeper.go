package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/store"
)

// Witness is somebody outside who is shown checkpoints of the audit log and cosigns those that contradict nothing that it has
// seen (https://c2sp.org/tlog-witness).
type Witness struct {
	Address string // to which /add-checkpoint is added
	Key     string // public key
}

// ParseWitness reads a witness as it is given on the command line: the address, a space, the public key.
func ParseWitness(text string) (Witness, error) {
	address, key, _ := strings.Cut(strings.TrimSpace(text), " ")
	w := Witness{Address: address, Key: strings.TrimSpace(key)}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return w, errors.New("the address of a witness is not right: write https://witness.example.com/prefix NAME+HASH+KEY")
	}
	if _, err := audit.KeyName(w.Key); err != nil {
		return w, fmt.Errorf("the witness %s: %w", u.Host, err)
	}
	return w, nil
}

// AuditKeeper signs checkpoints of the audit log while it grows, and shows them to witnesses. Several processes may keep the same
// log: a checkpoint of a size is kept once.
type AuditKeeper struct {
	Log       *store.AuditLog
	Store     *store.Store
	Logger    *slog.Logger
	Witnesses []Witness
	Hosts     outbound.Hosts // that may be reached: the addresses of witnesses are settings, names can lead anywhere
	Every     time.Duration  // 0 is a minute

	client *http.Client
}

// Run works until the context ends.
func (k *AuditKeeper) Run(ctx context.Context) {
	if k.Every == 0 {
		k.Every = time.Minute
	}
	for {
		k.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(k.Every):
		}
	}
}

// round signs, and asks each witness.
func (k *AuditKeeper) round(ctx context.Context) {
	if _, err := k.Log.Checkpoint(ctx); err != nil {
		if ctx.Err() == nil {
			k.Logger.ErrorContext(ctx, "sign a checkpoint of the audit log", "error", err)
		}
		return
	}
	states, err := k.Store.Witnesses(ctx)
	if err != nil {
		k.Logger.ErrorContext(ctx, "read the witnesses of the audit log", "error", err)
		return
	}
	for _, w := range k.Witnesses {
		seen := int64(0)
		name, _ := audit.KeyName(w.Key)
		for _, s := range states {
			if s.Name == name {
				seen = s.Size
			}
		}
		if err := k.show(ctx, w, seen); err != nil && ctx.Err() == nil {
			k.Logger.WarnContext(ctx, "show the audit log to a witness", "witness", name, "error", err)
		}
	}
}

// show sends the newest checkpoint to a witness. A witness that has seen another size says so, and is asked once more from there.
func (k *AuditKeeper) show(ctx context.Context, w Witness, seen int64) error {
	for attempt := range 2 {
		body, size, err := k.Log.Submission(ctx, seen)
		if err != nil {
			return errors.Join(err, k.Log.WitnessFailed(ctx, w.Key, seen, err.Error()))
		}
		if body == nil {
			return nil
		}
		status, answer, err := k.post(ctx, w, body)
		switch {
		case err != nil:
		case status == http.StatusOK:
			err = k.Log.Cosigned(ctx, w.Key, size, answer)
			if err == nil {
				return nil
			}
		case status == http.StatusConflict && attempt == 0:
			if seen, err = strconv.ParseInt(strings.TrimSpace(string(answer)), 10, 64); err == nil && seen >= 0 {
				continue
			}
			seen, err = -1, errors.New("the witness says that the log contradicts what it has seen")
		default:
			err = fmt.Errorf("the witness answered with the status %d", status)
		}
		return errors.Join(err, k.Log.WitnessFailed(ctx, w.Key, -1, err.Error()))
	}
	return nil
}

// post sends a submission and reads at most 16 KB of the answer. No redirection is followed.
func (k *AuditKeeper) post(ctx context.Context, w Witness, body []byte) (int, []byte, error) {
	if k.client == nil {
		k.client = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{DialContext: k.dial, TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: 2 * time.Minute}}
	}
	u, err := url.Parse(w.Address)
	if err != nil {
		return 0, nil, err
	}
	if u.Scheme != "https" && !k.Hosts.Named(u.Hostname(), portOf(u)) {
		return 0, nil, fmt.Errorf("%s is not spoken to without encryption, unless --outbound-hosts names it", u.Host)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.JoinPath("add-checkpoint").String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	answer, err := k.client.Do(r)
	if err != nil {
		return 0, nil, fmt.Errorf("reach the witness: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<10))
	return answer.StatusCode, text, err
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[u.Scheme]
}

func (k *AuditKeeper) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return k.Hosts.Dial(ctx, network, address)
}
