package schema

import (
	_ "embed" // the tables are strings in the binary: no work at start
	"iter"
	"strings"
)

var (
	//go:embed data/core.txt
	core string
	//go:embed data/aws.txt
	aws string
	//go:embed data/azurerm.txt
	azurerm string
	//go:embed data/google.txt
	google string
	//go:embed data/kubernetes.txt
	kubernetes string
	//go:embed data/kubernetes-provider.txt
	kubernetesProvider string
	//go:embed data/docker.txt
	docker string
	//go:embed data/compose.txt
	compose string
	//go:embed data/actions.txt
	actions string
	//go:embed data/ci.txt
	ci string
	//go:embed data/gitlab.txt
	gitlab string
	//go:embed data/azurepipelines.txt
	azurepipelines string
	//go:embed data/circleci.txt
	circleci string
	//go:embed data/bitbucket.txt
	bitbucket string
	//go:embed data/dependabot.txt
	dependabot string
)

// types holds a row per resource type: its name and its attributes as decode reads them.
var types = [...]table{
	table(core), table(aws), table(azurerm), table(google),
	table(kubernetes), table(kubernetesProvider), table(docker), table(compose), table(actions), table(ci),
	table(gitlab), table(azurepipelines), table(circleci), table(bitbucket), table(dependabot),
}

// table is lines of "key TAB rest", sorted by key. Several lines may have the same key. Lines that begin with # come first
// and are remarks.
type table string

// rows yields key and rest of every line of that key. The strings are parts of the table.
func (t table) rows(key string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := t.search(key); i < len(t); {
			k, rest, next := t.line(i)
			if k != key || !yield(k, rest) {
				return
			}
			i = next
		}
	}
}

// all yields key and rest of every line but the remarks.
func (t table) all() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := 0; i < len(t); {
			k, rest, next := t.line(i)
			if !strings.HasPrefix(k, "#") && !yield(k, rest) {
				return
			}
			i = next
		}
	}
}

// search returns where the first line begins whose key is not less than the wanted one.
func (t table) search(key string) int {
	// Lines that begin before low have lesser keys; those that begin at high or later do not. Low is a beginning, high any
	// place. The search for a beginning goes forward because that way it is fast, and some lines are long.
	low, high := 0, len(t)
	for low < high {
		middle := low + (high-low)/2
		start := middle
		if middle > low {
			if start += strings.IndexByte(string(t[middle-1:]), '\n'); start >= high {
				high = middle
				continue
			}
		}
		if k, _, next := t.line(start); k < key {
			low = next
		} else {
			high = middle
		}
	}
	return low
}

// line splits the line that begins at i and says where the next one begins.
func (t table) line(i int) (key, rest string, next int) {
	line := string(t[i:])
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	key, rest, _ = strings.Cut(line, "\t")
	return key, rest, min(i+len(line)+1, len(t))
}
