package crossplane

import "bytes"

var (
	upboundMark  = []byte(".upbound.io/")
	apiVersion   = []byte("apiVersion")
	providerTags = [...][]byte{[]byte(".aws.upbound.io/"), []byte(".azure.upbound.io/"), []byte(".gcp.upbound.io/"),
		[]byte(".aws.m.upbound.io/"), []byte(".azure.m.upbound.io/"), []byte(".gcp.m.upbound.io/")}
)

// isManifest reports whether a file has a manifest of the families in it, on its own or within a composition: somewhere in it
// there is an apiVersion of one of their groups. It looks at the bytes and does not parse.
func isManifest(content []byte) bool {
	for {
		i := bytes.Index(content, upboundMark)
		if i < 0 {
			return false
		}
		start := bytes.LastIndexByte(content[:i], '\n') + 1
		line := content[start : i+len(upboundMark)]
		if at := bytes.LastIndex(line, apiVersion); at >= 0 {
			for _, tag := range providerTags {
				if bytes.HasSuffix(line, tag) && simple(line[at+len(apiVersion):len(line)-len(tag)]) {
					return true
				}
			}
		}
		content = content[i+len(upboundMark):]
	}
}

// simple reports whether between apiVersion and the rest of the group stands nothing but a colon, quotes, blanks and a word.
func simple(b []byte) bool {
	b = bytes.TrimLeft(b, `"' `)
	word, ok := bytes.CutPrefix(b, []byte(":"))
	if !ok {
		return false
	}
	for _, c := range bytes.TrimLeft(word, `"' `) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
