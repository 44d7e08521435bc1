package dockerfile

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// fact is something that is so with an instruction and can be said with one name: a bool that is true, or absent. The edits make it
// false; none means that nobody but the owner can.
type fact struct {
	name    string
	at      source.Range
	unknown bool
	fixable bool
	edits   []source.Edit
}

// maxEdits is how many places of one instruction a fix changes.
const maxEdits = 200

// fact notes a place where something is so.
func (f *fields) fact(name string, at source.Range, edits ...source.Edit) {
	if i := slices.IndexFunc(f.d.facts, func(x *fact) bool { return x.name == name }); i >= 0 {
		x := f.d.facts[i]
		if x.unknown {
			x.at, x.unknown = at, false
		}
		x.fixable = x.fixable && len(edits) > 0 && len(x.edits) < maxEdits
		if !x.fixable {
			return
		}
		for _, e := range edits {
			if !slices.ContainsFunc(x.edits, func(o source.Edit) bool { return o == e || o.Range.Start < e.Range.End && e.Range.Start < o.Range.End }) {
				x.edits = append(x.edits, e)
			}
		}
		return
	}
	f.d.facts = append(f.d.facts, &fact{name: name, at: at, fixable: len(edits) > 0, edits: edits})
}

// unknown notes a place where it may be so.
func (f *fields) unknown(name string, at source.Range) {
	if !slices.ContainsFunc(f.d.facts, func(x *fact) bool { return x.name == name }) {
		f.d.facts = append(f.d.facts, &fact{name: name, at: at, unknown: true, fixable: true})
	}
}

// facts puts the facts into the body.
func (f *fields) facts() {
	for _, x := range f.d.facts {
		v := value.Value{Kind: value.Bool, Bool: true, Range: x.at}
		if x.unknown {
			v = value.Value{Kind: value.Unknown, NotNull: true, Range: x.at}
		}
		f.set(x.name, v)
	}
}

func sortFields(list []value.Field) {
	slices.SortStableFunc(list, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
}

// facts tells what people ask of the commands of a RUN.
func (s *script) facts(f *fields) {
	for i := range s.Commands {
		c := &s.Commands[i]
		s.sudo(f, c)
		s.tls(f, c)
		s.signatures(f, c)
		s.tools(f, c)
		s.login(f, c)
	}
	s.packages(f)
	s.downloads(f)
	s.pipes(f)
	s.directory(f)
	s.previous(f)
}

// range of words and edits of them

func (s *script) word(w *shell.Word) source.Range { return s.at(w.Start, w.End) }

// removed is the edit that takes words away.
func (s *script) removed(first, last *shell.Word) source.Edit {
	return s.e.removal(s.word(first).Start, s.word(last).End)
}

// after is the edit that writes something behind a word.
func (s *script) after(w *shell.Word, text string) source.Edit {
	return s.e.insertAt(s.word(w).End, " "+text)
}

// sudo finds commands that sudo runs as root. What it runs as another user is another matter.
func (s *script) sudo(f *fields, c *shell.Command) {
	if !slices.Contains(c.Wrappers, "sudo") || len(c.Words) == 0 || c.Words[0].Start <= c.Start {
		return
	}
	before := s.text[c.Start:c.Words[0].Start]
	at := strings.LastIndex(before, "sudo")
	if at < 0 {
		return
	}
	options := strings.Fields(before[at+len("sudo"):])
	for _, o := range options {
		if strings.HasPrefix(o, "-u") || strings.HasPrefix(o, "--user") || strings.HasPrefix(o, "-g") {
			return
		}
	}
	start := s.at(c.Start+at, c.Start+at+len("sudo"))
	simple := !slices.ContainsFunc(options, func(o string) bool { return !strings.HasPrefix(o, "-") })
	if end := s.word(&c.Words[0]).Start; simple && end > start.Start && strings.Count(before[at:], "'") == 0 {
		f.fact("sudo", start, source.Edit{Range: source.Range{File: s.e.Path, Start: start.Start, End: end}})
		return
	}
	f.fact("sudo", start)
}

// cluster finds a short option of a letter among a word like -fsSLk. Takes are the letters that take the rest as their argument.
func cluster(word string, letter byte, takes string) (at int, ok bool) {
	if len(word) < 2 || word[0] != '-' || word[1] == '-' {
		return 0, false
	}
	for i := 1; i < len(word); i++ {
		if word[i] == letter {
			return i, true
		}
		if strings.IndexByte(takes, word[i]) >= 0 {
			return 0, false
		}
	}
	return 0, false
}

// maybeOption reports whether a word may be an option because nobody knows what is in it.
func maybeOption(w *shell.Word) bool {
	return !w.Known && w.Unquoted && w.Prefix == "" && w.Suffix == ""
}

const curlTakes = "oHdXuAbcemTxwyYzCDEFKPQrtUhiM"

// tls finds what switches the check of certificates off.
func (s *script) tls(f *fields, c *shell.Command) {
	const name = "insecure_tls"
	for i := range c.Assigns {
		if a := &c.Assigns[i]; insecureVariable(a.Name, a.Value.Text) && a.Value.Known {
			f.fact(name, s.at(a.Value.Start, a.Value.End))
		}
	}
	sub := ""
	for i := 1; i < len(c.Words); i++ {
		w := &c.Words[i]
		text := w.Text
		if sub == "" && !strings.HasPrefix(text, "-") {
			sub = text
		}
		switch c.Name {
		case "curl":
			if text == "--insecure" || text == "--proxy-insecure" {
				f.fact(name, s.word(w), s.removed(w, w))
			} else if at, ok := cluster(text, 'k', curlTakes); ok && w.Known {
				r := s.word(w)
				switch {
				case len(text) == 2:
					f.fact(name, r, s.removed(w, w))
				case r.End-r.Start == len(text):
					f.fact(name, r, source.Edit{Range: source.Range{File: r.File, Start: r.Start + at, End: r.Start + at + 1}})
				default:
					f.fact(name, r)
				}
			} else if maybeOption(w) {
				f.unknown(name, s.word(w))
			}
		case "wget", "apk":
			if text == "--no-check-certificate" {
				f.fact(name, s.word(w), s.removed(w, w))
			} else if maybeOption(w) && c.Name == "wget" {
				f.unknown(name, s.word(w))
			}
		case "pip", "pip3", "python", "python3", "uv", "pipx":
			switch {
			case text == "--trusted-host" && i+1 < len(c.Words):
				f.fact(name, s.word(w), s.removed(w, &c.Words[i+1]))
			case strings.HasPrefix(text, "--trusted-host="):
				f.fact(name, s.word(w), s.removed(w, w))
			case text == "global.trusted-host" || text == "install.trusted-host":
				f.fact(name, s.word(w))
			}
		case "npm", "yarn", "pnpm":
			switch {
			case text == "strict-ssl" && i+1 < len(c.Words) && c.Words[i+1].Text == "false":
				f.fact(name, s.word(&c.Words[i+1]), edit(s.word(&c.Words[i+1]), "true"))
			case text == "strict-ssl=false" || text == "--strict-ssl=false" || text == "--no-strict-ssl":
				f.fact(name, s.word(w))
			}
		case "git":
			low := strings.ToLower(text)
			switch {
			case low == "http.sslverify" && i+1 < len(c.Words) && isFalse(c.Words[i+1].Text):
				f.fact(name, s.word(&c.Words[i+1]), edit(s.word(&c.Words[i+1]), "true"))
			case strings.HasPrefix(low, "http.sslverify=") && isFalse(low[len("http.sslverify="):]):
				f.fact(name, s.word(w))
			}
		case "yum", "dnf", "tdnf", "microdnf", "yum-config-manager":
			if low := strings.ToLower(text); strings.HasPrefix(low, "--setopt=") && strings.Contains(low, "sslverify=") && isFalse(low[strings.LastIndexByte(low, '=')+1:]) {
				f.fact(name, s.word(w), s.removed(w, w))
			}
		case "apt-get", "apt":
			if low := strings.ToLower(text); strings.Contains(low, "verify-peer=false") || strings.Contains(low, "verify-peer=0") {
				f.fact(name, s.word(w))
			}
		case "conda", "mamba":
			if text == "ssl_verify" && i+1 < len(c.Words) && isFalse(c.Words[i+1].Text) {
				f.fact(name, s.word(&c.Words[i+1]), edit(s.word(&c.Words[i+1]), "true"))
			}
		}
	}
}

func isFalse(text string) bool {
	switch strings.ToLower(text) {
	case "false", "0", "no", "off":
		return true
	}
	return false
}

// insecureVariable reports whether a variable of this value switches the check of certificates off.
func insecureVariable(name, text string) bool {
	switch name {
	case "PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED":
		return text == "0"
	case "GIT_SSL_NO_VERIFY":
		return text != "" && !isFalse(text)
	case "PIP_TRUSTED_HOST":
		return text != ""
	case "NPM_CONFIG_STRICT_SSL", "npm_config_strict_ssl":
		return isFalse(text)
	}
	return false
}

// unsigned are the options that switch the check of packages' signatures off, by program.
var unsigned = map[string][]string{
	"apk":      {"--allow-untrusted"},
	"apt-get":  {"--allow-unauthenticated", "--force-yes"},
	"apt":      {"--allow-unauthenticated", "--force-yes"},
	"yum":      {"--nogpgcheck", "--no-gpgchecks"},
	"dnf":      {"--nogpgcheck", "--no-gpgchecks"},
	"tdnf":     {"--nogpgcheck"},
	"microdnf": {"--nogpgcheck"},
	"rpm":      {"--nosignature", "--nodigest", "--noverify", "--nofiledigest"},
	"zypper":   {"--no-gpg-checks", "--allow-unsigned-rpm"},
}

func (s *script) signatures(f *fields, c *shell.Command) {
	options := unsigned[c.Name]
	if options == nil {
		return
	}
	for i := 1; i < len(c.Words); i++ {
		w := &c.Words[i]
		switch {
		case slices.Contains(options, w.Text) && w.Text == "--force-yes":
			f.fact("unsigned_packages", s.word(w), edit(s.word(w), "-y"))
		case slices.Contains(options, w.Text):
			f.fact("unsigned_packages", s.word(w), s.removed(w, w))
		case maybeOption(w) && i == 1:
			f.unknown("unsigned_packages", s.word(w))
		}
	}
}

// tools finds useradd without --no-log-init, and programs that take the place of the shell.
func (s *script) tools(f *fields, c *shell.Command) {
	switch c.Name {
	case "useradd":
		for i := range c.Words {
			if _, l := cluster(c.Words[i].Text, 'l', "bcdefgGkKpRsuZ"); l || c.Words[i].Text == "--no-log-init" || c.Words[i].Text == "-D" {
				return
			}
		}
		f.fact("login_records", s.word(&c.Words[0]), s.after(&c.Words[0], "--no-log-init"))
	case "ln", "mv", "cp":
		var operands []*shell.Word
		for i := 1; i < len(c.Words); i++ {
			if !strings.HasPrefix(c.Words[i].Text, "-") {
				operands = append(operands, &c.Words[i])
			}
		}
		if len(operands) != 2 || !isShellPath(operands[1].Text) {
			return
		}
		f.fact("shell_changed", s.word(operands[1]))
	case "chsh":
		f.fact("shell_changed", s.word(&c.Words[0]))
	case "usermod":
		if last := &c.Words[len(c.Words)-1]; last.Text == "root" {
			for i := range c.Words {
				if c.Words[i].Text == "-s" || c.Words[i].Text == "--shell" {
					f.fact("shell_changed", s.word(&c.Words[i]))
				}
			}
		}
	case "powershell", "powershell.exe", "pwsh":
		if s.shell == "cmd" || s.shell == "sh" {
			f.fact("shell_changed", s.word(&c.Words[0]))
		}
	}
}

func isShellPath(p string) bool {
	switch p {
	case "/bin/sh", "/usr/bin/sh", "/bin/bash", "/usr/bin/bash", "/bin/dash":
		return true
	}
	return false
}

// login finds credentials that a command is given word for word.
func (s *script) login(f *fields, c *shell.Command) {
	literal := func(w *shell.Word, skip string) {
		if text := strings.TrimPrefix(w.Text, skip); w.Known && text != "" && !strings.HasPrefix(text, "-") {
			f.fact("literal_secret", s.word(w))
		}
	}
	words := c.Words
	for i := 1; i < len(words); i++ {
		var next *shell.Word
		if i+1 < len(words) {
			next = &words[i+1]
		}
		text := words[i].Text
		switch c.Name {
		case "aws":
			if next != nil && (text == "aws_secret_access_key" || text == "aws_session_token") {
				literal(next, "")
			}
		case "docker", "podman", "helm", "oras", "crane", "az", "buildah", "skopeo":
			if login := len(words) > 1 && (words[1].Text == "login" || i > 1 && words[i-1].Text == "login" || len(words) > 2 && words[2].Text == "login"); !login {
				return
			}
			if next != nil && (text == "-p" || text == "--password") {
				literal(next, "")
			} else if strings.HasPrefix(text, "--password=") {
				literal(&words[i], "--password=")
			}
		case "npm", "yarn", "pnpm":
			if strings.HasSuffix(text, ":_authToken") || text == "_authToken" || strings.HasSuffix(text, ":_password") || text == "_auth" {
				if next != nil {
					literal(next, "")
				}
			} else if _, v, ok := strings.Cut(text, ":_authToken="); ok && v != "" && words[i].Known {
				f.fact("literal_secret", s.word(&words[i]))
			}
		case "sshpass":
			if text == "-p" && next != nil {
				literal(next, "")
			} else if strings.HasPrefix(text, "-p") {
				literal(&words[i], "-p")
			}
			return
		case "curl", "wget":
			if next != nil && c.Name == "curl" && (text == "-u" || text == "--user") && strings.Contains(next.Text, ":") && !strings.HasSuffix(next.Text, ":") {
				literal(next, "")
			} else if strings.HasPrefix(text, "--password=") || strings.HasPrefix(text, "--http-password=") {
				literal(&words[i], text[:strings.IndexByte(text, '=')+1])
			}
		}
	}
}

// pipes finds pipes of a shell that could tell of their failures and does not.
func (s *script) pipes(f *fields) {
	if s.pipefail || s.Pipefail || s.Broken || s.exec {
		return
	}
	switch s.shell {
	case "bash", "zsh", "ash", "ksh":
	default:
		return
	}
	for i := range s.Commands {
		c := &s.Commands[i]
		if len(c.Into) == 0 || len(c.Words) == 0 || slices.Contains(c.Wrappers, "find") {
			continue
		}
		if s.body {
			f.fact("pipe_status_lost", s.at(c.Start, c.End), s.bodyStart("set -o pipefail"+s.e.newline))
		} else {
			f.fact("pipe_status_lost", s.at(c.Start, c.End), s.e.insertAt(s.at(0, 0).Start, "set -o pipefail && "))
		}
		return
	}
}

// bodyStart is the edit that writes a line at the beginning of a here-document, behind its #! line.
func (s *script) bodyStart(text string) source.Edit {
	at := s.at(0, 0).Start
	if strings.HasPrefix(s.text, "#!") {
		at += strings.IndexByte(s.text, '\n') + 1
	}
	return s.e.insertAt(at, text)
}

// directory finds a cd to a relative path before one to an absolute path.
func (s *script) directory(f *fields) {
	for i := range s.Commands {
		c := &s.Commands[i]
		if c.Name != "cd" && c.Name != "pushd" || len(c.Words) < 2 {
			continue
		}
		w := &c.Words[len(c.Words)-1]
		if !w.Known || w.Text == "" || strings.ContainsAny(w.Text[:1], "/~-") {
			return
		}
		f.fact("relative_cd", s.word(w))
		return
	}
}

// previous finds a RUN that could be one with the RUN before it: the same flags and shell, and nothing between.
func (s *script) previous(f *fields) {
	b := s.d.before
	if b == nil || s.d.stage == nil || s.d.in.onbuild || b.keyword != "RUN" || b.malformed != "" || len(b.heredocs)+len(s.d.in.heredocs) > 0 || !sameFlags(b, s.d.in) {
		return
	}
	f.fact("joinable", s.d.in.place(0, len("RUN")))
}

// downloads finds addresses with http:// in commands that fetch and do not check what they got.
func (s *script) downloads(f *fields) {
	var found []source.Range
	for i := range s.Commands {
		c := &s.Commands[i]
		switch c.Name {
		case "sha256sum", "sha512sum", "sha1sum", "sha384sum", "shasum", "gpgv", "cosign", "minisign":
			return
		case "gpg":
			if slices.ContainsFunc(c.Words, func(w shell.Word) bool { return w.Text == "--verify" }) {
				return
			}
		case "curl", "wget", "git", "pip", "pip3", "npm", "yarn", "gem", "svn", "rpm", "yum", "dnf", "aria2c", "http", "fetch", "Invoke-WebRequest", "iwr":
			for j := 1; j < len(c.Words); j++ {
				w := &c.Words[j]
				text := w.Text
				if !w.Known {
					text = w.Prefix
				}
				if p := c.Words[j-1].Text; p == "-x" || p == "--proxy" || p == "-H" || p == "--header" || p == "-e" || p == "--referer" || p == "http.proxy" || p == "proxy" {
					continue
				}
				if n, v, ok := strings.Cut(text, "="); ok && strings.HasPrefix(n, "--") {
					if n == "--proxy" {
						continue
					}
					text = v
				}
				if rest, ok := strings.CutPrefix(strings.ToLower(text), "http://"); ok && !isLocal(rest) {
					found = append(found, s.word(w))
				}
			}
		}
	}
	for _, at := range found {
		if i := strings.Index(strings.ToLower(s.e.File.Text(at)), "http://"); i >= 0 {
			f.fact("plain_http", at, s.e.insertAt(at.Start+i+len("http"), "s"))
		} else {
			f.fact("plain_http", at)
		}
	}
}

func isLocal(rest string) bool {
	host, _, _ := strings.Cut(rest, "/")
	if !strings.HasPrefix(host, "[") {
		host, _, _ = strings.Cut(host, ":")
	}
	return host == "localhost" || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]") || host == ""
}
