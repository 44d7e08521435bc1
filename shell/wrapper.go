package shell

import "strings"

// wrapper is a program that runs another one.
type wrapper struct {
	takes    string // its short options that take an argument
	long     string // its long options that take one in the next word, each between spaces
	operands int    // words of its own before the program
	sets     bool   // NAME=value may stand before the program
	asks     string // short options with which it runs nothing
}

// wrappers are by their manuals: coreutils, util-linux, sudo, doas, GNU time, findutils, busybox.
var wrappers = map[string]wrapper{
	"sudo":        {takes: "ughpCrtTUDR", long: " --user --group --host --prompt --chdir --chroot --role --type --close-from --other-user --command-timeout ", sets: true, asks: "lvkKVe"},
	"doas":        {takes: "uC", asks: "L"},
	"env":         {takes: "uC", long: " --unset --chdir ", sets: true},
	"exec":        {takes: "a"},
	"command":     {asks: "vV"},
	"builtin":     {},
	"nohup":       {},
	"nice":        {takes: "n", long: " --adjustment "},
	"ionice":      {takes: "cn", long: " --class --classdata ", asks: "pPu"},
	"chrt":        {operands: 1, asks: "pm"},
	"taskset":     {operands: 1, asks: "p"},
	"time":        {takes: "fo", long: " --format --output "},
	"timeout":     {takes: "sk", long: " --signal --kill-after ", operands: 1},
	"stdbuf":      {takes: "ioe", long: " --input --output --error "},
	"setsid":      {},
	"unbuffer":    {},
	"eatmydata":   {},
	"fakeroot":    {takes: "lsi"},
	"dumb-init":   {takes: "r", long: " --rewrite "},
	"tini":        {takes: "pe"},
	"gosu":        {operands: 1},
	"su-exec":     {operands: 1},
	"chroot":      {operands: 1},
	"setpriv":     {long: " --reuid --regid --groups --inh-caps --ambient-caps --bounding-set --securebits "},
	"runuser":     {takes: "ugGs", long: " --user --group --supp-group --shell ", asks: "c"},
	"flock":       {takes: "wE", long: " --timeout --wait --conflict-exit-code ", operands: 1, asks: "c"},
	"xvfb-run":    {takes: "nefpsw", long: " --server-num --error-file --auth-file --xauth-protocol --server-args --wait "},
	"chronic":     {},
	"busybox":     {},
	"proxychains": {takes: "f"},
	"unshare":     {},
	"nsenter":     {takes: "tSG", long: " --target --setuid --setgid "},
	"torsocks":    {},
}

// maxWrapped is how many words are looked at for the program behind wrappers.
const maxWrapped = 64

// unwrap takes sudo and the like away. A wrapper whose program cannot be told from its own words stays.
func unwrap(words []Word) (rest []Word, names []string, set []Assign) {
	for len(names) < 8 && len(words) > 1 && words[0].Known {
		name := base(words[0].Text)
		w, ok := wrappers[name]
		if !ok {
			break
		}
		n, assigns, ok := w.skip(words)
		if !ok || n >= len(words) {
			break
		}
		names, set, words = append(names, name), append(set, assigns...), words[n:]
	}
	return words, names, set
}

// skip returns how many words are the wrapper's own.
func (w wrapper) skip(words []Word) (n int, set []Assign, ok bool) {
	n = 1
	for ; n < len(words); n++ {
		text := words[n].Text
		if !words[n].Known {
			text = words[n].Prefix
		}
		if text == "--" {
			n++
			break
		}
		if w.sets {
			if a, ok := assignment(words[n]); ok {
				set = append(set, a)
				continue
			}
		}
		if len(text) < 2 || text[0] != '-' {
			break
		}
		if strings.HasPrefix(text, "--") {
			if strings.Contains(w.long, " "+text+" ") {
				n++
			}
			continue
		}
		if strings.ContainsAny(text[1:2], w.asks) && w.asks != "" {
			return 0, nil, false
		}
		for i := 1; i < len(text); i++ {
			if strings.IndexByte(w.takes, text[i]) >= 0 {
				if i == len(text)-1 {
					n++
				}
				break
			}
		}
	}
	for w.sets && n < len(words) {
		a, ok := assignment(words[n])
		if !ok {
			break
		}
		set = append(set, a)
		n++
	}
	return n + w.operands, set, true
}

// assignment reads NAME=value as env and sudo do.
func assignment(w Word) (Assign, bool) {
	text := w.Text
	if !w.Known {
		text = w.Prefix
	}
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || !isName(name) {
		return Assign{}, false
	}
	v := w
	v.Start = min(w.End, w.Start+len(name)+1)
	if w.Known {
		v.Text = value
	} else {
		v.Text, v.Prefix = strings.TrimPrefix(w.Text, name+"="), value
	}
	return Assign{Name: name, Value: v}, true
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// base is the last part of a program's path.
func base(s string) string {
	s = strings.TrimRight(s, "/")
	return s[strings.LastIndexByte(s, '/')+1:]
}
