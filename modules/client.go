package modules

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// client speaks to hosts that are allowed, and to nothing else.
type client struct {
	hosts       Hosts
	credentials *credentials
	limits      Limits
	agent       string
	http        *http.Client
	proxies     sync.Map // addresses of the user's own proxies
}

func newClient(o *Options, c *credentials) *client {
	cl := &client{hosts: o.Hosts, credentials: c, limits: o.Limits, agent: "plumbline/" + o.Version}
	transport := &http.Transport{
		Proxy:                  cl.proxy,
		DialContext:            cl.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		TLSHandshakeTimeout:    15 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
	}
	cl.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return cl
}

// proxy finds the user's own proxy for a request, and remembers that it may be dialed.
func (c *client) proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if u != nil {
		port := u.Port()
		if port == "" {
			port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		}
		if port == "" {
			port = "80"
		}
		c.proxies.Store(net.JoinHostPort(u.Hostname(), port), true)
	}
	return u, err
}

func (c *client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if _, ok := c.proxies.Load(address); ok {
		return (&net.Dialer{Timeout: 15 * time.Second}).DialContext(ctx, network, address)
	}
	return c.hosts.Dial(ctx, network, address)
}

// request is one question to a server.
type request struct {
	url     *url.URL
	service string // the host of Terraform's services whose token may be sent; empty: an archive, for which netrc counts
	etag    string // of what is known already
	accept  string
}

// maxRedirects is how often a server may send a question elsewhere.
const maxRedirects = 5

// get asks, following redirections, each of which must lead to an allowed host. Credentials are sent to the host that they are
// for and not along with a redirection. The caller closes the body.
func (c *client) get(ctx context.Context, q request) (*http.Response, error) {
	at := q.url
	for hop := 0; ; hop++ {
		if err := c.checkURL(at); err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
		if err != nil {
			return nil, failure("the address %s is not understood", clip(hide(at)))
		}
		r.Header.Set("User-Agent", c.agent)
		if q.accept != "" {
			r.Header.Set("Accept", q.accept)
		}
		if q.etag != "" {
			r.Header.Set("If-None-Match", q.etag)
		}
		c.authorize(r, q)
		response, err := c.http.Do(r)
		if err != nil {
			if ctx.Err() != nil {
				err = cause(ctx)
			}
			return nil, failure("%s could not be asked: %v", at.Host, plain(err))
		}
		if response.StatusCode < 300 || response.StatusCode >= 400 || response.StatusCode == http.StatusNotModified {
			return response, nil
		}
		response.Body.Close()
		next, err := response.Location()
		if err != nil {
			return nil, failure("%s answers %s without saying where to", at.Host, clip(response.Status))
		}
		if hop+1 > maxRedirects {
			return nil, failure("%s redirects more than %d times", q.url.Host, maxRedirects)
		}
		next.User = nil // neither what came with the source nor what a server makes up
		at = next
	}
}

// checkURL refuses what is not https, unless the user named the host, and hosts that are not allowed.
func (c *client) checkURL(u *url.URL) error {
	port := u.Port()
	switch u.Scheme {
	case "https":
		if port == "" {
			port = "443"
		}
	case "http":
		if port == "" {
			port = "80"
		}
		if !c.hosts.Named(u.Hostname(), port) {
			return failure("%s would be asked without encryption: use https, or allow it with --modules-hosts %s", u.Host, u.Host)
		}
	default:
		return failure("an address of the kind %s:// is not followed", clip(u.Scheme))
	}
	return c.hosts.Check(u.Hostname(), port)
}

// authorize adds the credentials for the host that is asked.
func (c *client) authorize(r *http.Request, q request) {
	host := r.URL.Host
	if q.service != "" {
		if token := c.credentials.token(host); token != "" && host == q.service && r.URL.Scheme == "https" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return
	}
	if r.URL.User != nil { // as the source says, to the host that it names
		return
	}
	if login, ok := c.credentials.logins[r.URL.Hostname()]; ok && r.URL.Scheme == "https" {
		r.SetBasicAuth(login[0], login[1])
	}
}

// refused returns the error of a response that is not what was asked for; credentials is what may help.
func refused(r *http.Response, what, credentials string) error {
	host := r.Request.URL.Host
	switch r.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return failure("%s does not give %s without permission (%d): %s", host, what, r.StatusCode, credentials)
	case http.StatusNotFound:
		return failure("%s does not have %s, or wants a login for it: %s", host, what, credentials)
	case http.StatusTooManyRequests:
		return failure("%s asks to wait: try again later", host)
	}
	return failure("%s answers %d for %s", host, r.StatusCode, what)
}

// withToken and withLogin say what to do about credentials.
func withToken(r *http.Response) string {
	host := r.Request.URL.Host
	return "set " + variable(host) + ", or run terraform login " + host
}

func withLogin(r *http.Response) string {
	return "netrc can have one for " + r.Request.URL.Hostname()
}

// read returns the body of a small answer.
func read(r *http.Response, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, failure("%s broke off its answer: %v", r.Request.URL.Host, plain(err))
	}
	if int64(len(body)) > limit {
		return nil, exceeded("%s answers with more than %d KiB", r.Request.URL.Host, limit>>10)
	}
	return body, nil
}

// cause is why a context ended, for people.
func cause(ctx context.Context) error {
	err := context.Cause(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("it takes too long")
	}
	if err == nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w", err)
}
