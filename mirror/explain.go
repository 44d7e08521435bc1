package mirror

import (
	"strings"
)

// lastWords is the last line of what git says that tells of an error, without credentials.
func lastWords(text string) string {
	said := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for _, lead := range []string{"fatal: ", "error: ", "remote: ", "ERROR: "} {
			if rest, ok := strings.CutPrefix(line, lead); ok && rest != "" && !strings.HasPrefix(rest, "Could not read from remote") {
				said = rest
			}
		}
	}
	if said == "" {
		said = "it does not say why"
	}
	return clip(withoutSecrets(said))
}

// explain says what kept git from fetching, and what to do.
func (f *fetch) explain(text string) error {
	shown, host := clip(f.address.String()), f.address.Host
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"):
		return fail(UnknownHost, "the ssh key of %s is not the one that is known: ask who runs it whether it changed, and then remove the known key of the repository", host)
	case has("Permission denied", "Authentication failed", "could not read Username", "could not read Password", "terminal prompts disabled", "error: 401", "error: 403", "HTTP Basic: Access denied"):
		if f.Credential.Password == "" && len(f.Credential.Key) == 0 {
			return fail(NoAccess, "there is no repository %s, or it is not public: give it a token or deploy key", shown)
		}
		return fail(NoAccess, "%s does not accept the credential for %s: check that it has not expired and may read the repository", host, shown)
	case has("dubious ownership"):
		return fail(NoAccess, "the repository %s belongs to another user of this machine, and git does not read it", shown)
	case f.address.Scheme == "file" && has("not found", "does not exist", "does not appear to be a git repository", "not a git repository", "invalid gitfile"):
		return fail(NotFound, "the folder %s is there, but it is no git repository", clip(f.address.Path))
	case has("not found", "does not exist", "does not appear to be a git repository", "no such repository", "not a git repository", "could not be found"):
		return fail(NotFound, "there is no git repository %s, or the credential may not see it", shown)
	case has("not valid: is this a git repository", "unexpectedly said", "bad line length", "protocol error", "invalid response", "Unable to rewind", "unable to update url base from redirection", "error: 3"):
		return fail(Unreachable, "%s does not answer as a git repository does: check the address (redirections are not followed)", shown)
	case has("Could not resolve host", "Failed to connect", "Connection refused", "Connection timed out", "Operation timed out", "Network is unreachable", "No route to host", "Operation too slow", "SSL", "TLS", "certificate", "server closed", "Connection reset", "Connection closed", "Can't complete SOCKS"):
		return fail(Unreachable, "%s cannot be reached: %s", host, lastWords(text))
	case has("fsck", "index-pack", "unpack-objects", "invalid index-pack output", "pack is corrupt", "inflate", "bad object", "bad pack", "did not send all necessary objects", "object corrupt"):
		return fail(Broken, "what %s sends is not a sound repository: %s", shown, lastWords(text))
	}
	return fail(Unreachable, "git cannot fetch %s: %s", shown, lastWords(text))
}
