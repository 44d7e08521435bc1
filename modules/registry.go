package modules

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// service is where a registry has its modules.
type service struct {
	once sync.Once
	url  *url.URL
	err  error
}

// maxAnswer bounds an answer of a registry: modules with a thousand versions, each with its inputs, exist.
const maxAnswer = 16 << 20

// registry fetches a module of a registry.
func (f *Fetcher) registry(ctx context.Context, a *address) (entry, error) {
	version, exact := a.version.exact()
	key := func() string { return "registry " + a.host + "/" + a.name + " " + version.text }
	if exact {
		if e, ok := f.store.find(key()); ok {
			return f.placed(e, a.subdir)
		}
	}
	if f.offline {
		return entry{}, f.notCached(a)
	}
	base, err := f.discover(ctx, a.host)
	if err != nil {
		return entry{}, err
	}
	if !exact {
		if version, err = f.newest(ctx, a, base); err != nil {
			return entry{}, err
		}
		if e, ok := f.store.find(key()); ok {
			return f.placed(e, a.subdir)
		}
	}
	from, to, err := f.download(ctx, a, base, version.text)
	if err != nil {
		return entry{}, err
	}
	f.say("fetching " + a.shown() + " " + version.text)
	e, err := f.onward(ctx, onward{from: from, to: to})
	if err != nil {
		return entry{}, err
	}
	e.Etag, e.Version = "", version.text
	f.store.note(key(), e)
	return f.placed(e, a.subdir)
}

// discover asks a host where its registry of modules is; each host is asked once.
func (f *Fetcher) discover(ctx context.Context, host string) (*url.URL, error) {
	known, _ := f.services.LoadOrStore(host, &service{})
	s := known.(*service)
	s.once.Do(func() { s.url, s.err = f.discovered(ctx, host) })
	return s.url, s.err
}

func (f *Fetcher) discovered(ctx context.Context, host string) (*url.URL, error) {
	u := &url.URL{Scheme: "https", Host: host, Path: "/.well-known/terraform.json"}
	response, err := f.client.get(ctx, request{url: u, service: host, accept: "application/json"})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, refused(response, "a list of Terraform's services", withToken(response))
	}
	body, err := read(response, maxPage)
	if err != nil {
		return nil, err
	}
	var services map[string]json.RawMessage
	var modules string
	if json.Unmarshal(body, &services) != nil || json.Unmarshal(services["modules.v1"], &modules) != nil {
		return nil, failure("%s says nothing of a registry of modules", host)
	}
	base, err := response.Request.URL.Parse(modules)
	if err != nil || base.Host == "" {
		return nil, failure("%s says that its modules are at %q, which is not understood", host, clip(modules))
	}
	base.User = nil
	return base, nil
}

// ask reads an answer of the registry. The token of a host goes to that host only.
func (f *Fetcher) ask(ctx context.Context, u *url.URL) (*http.Response, error) {
	return f.client.get(ctx, request{url: u, service: u.Host, accept: "application/json"})
}

// newest chooses among the versions that the registry has.
func (f *Fetcher) newest(ctx context.Context, a *address, base *url.URL) (moduleVersion, error) {
	response, err := f.ask(ctx, base.JoinPath(a.name, "versions"))
	if err != nil {
		return moduleVersion{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return moduleVersion{}, refused(response, "the module "+a.name, withToken(response))
	}
	body, err := read(response, maxAnswer)
	if err != nil {
		return moduleVersion{}, err
	}
	var answer struct {
		Modules []struct {
			Versions []struct{ Version string }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return moduleVersion{}, failure("%s lists the versions of %s in a way that is not understood", a.host, a.name)
	}
	var versions []string
	for _, m := range answer.Modules {
		for _, v := range m.Versions {
			versions = append(versions, v.Version)
		}
	}
	v, ok := a.version.newest(versions)
	switch {
	case ok:
		return v, nil
	case len(versions) == 0:
		return v, failure("%s has no version of %s", a.host, a.name)
	case len(a.version) == 0:
		return v, failure("%s has no released version of %s", a.host, a.name)
	}
	return v, failure("%s has no version of %s that meets %s", a.host, a.name, a.version)
}

// download asks where a version is: in a header, or in the body.
func (f *Fetcher) download(ctx context.Context, a *address, base *url.URL, version string) (from *url.URL, to string, err error) {
	response, err := f.ask(ctx, base.JoinPath(a.name, version, "download"))
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return nil, "", refused(response, "the module "+a.name+" "+version, withToken(response))
	}
	to = response.Header.Get("X-Terraform-Get")
	if to == "" && response.StatusCode == http.StatusOK {
		body, err := read(response, maxPage)
		if err != nil {
			return nil, "", err
		}
		var answer struct{ Location string }
		if json.Unmarshal(body, &answer) == nil {
			to = answer.Location
		}
	}
	if strings.TrimSpace(to) == "" {
		return nil, "", failure("%s does not say where %s can be downloaded", a.host, a.name)
	}
	return response.Request.URL, to, nil
}
