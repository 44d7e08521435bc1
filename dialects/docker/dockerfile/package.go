package dockerfile

import (
	"regexp"
	"slices"
	"strings"

	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// manager is a package manager, by its manual.
type manager struct {
	install  string // subcommands that install what they name, each between spaces
	refresh  string // those that only fetch the index
	other    string // further ones that need a fresh index
	takes    string // options whose argument is the next word
	language bool
	pinned   func(name string) bool
}

var (
	rpmVersion = regexp.MustCompile(`-[0-9]+[.:~^][0-9A-Za-z]`)
	pipVersion = regexp.MustCompile(`[=<>~!]=|===|[<>]|@`)
)

func isFile(name string) bool {
	return strings.ContainsAny(name, "/\\") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "@")
}

func pinnedRPM(name string) bool {
	return isFile(name) || strings.HasSuffix(name, ".rpm") || strings.Contains(name, "=") || rpmVersion.MatchString(name)
}

func pinnedNPM(name string) bool {
	if strings.Contains(name, ":") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") || strings.HasSuffix(name, ".tgz") {
		return true // an address or a file
	}
	_, version, ok := strings.Cut(strings.TrimPrefix(name, "@"), "@")
	if !ok {
		return !strings.HasPrefix(name, "@") && strings.Contains(name, "/") // owner/repository
	}
	return version != "" && version != "latest" && version != "next"
}

var managers = map[string]*manager{
	"apt-get": {install: " install ", refresh: " update ", other: " upgrade dist-upgrade full-upgrade build-dep source download satisfy ",
		takes:  " -o --option -t --target-release --default-release -c --config-file -a --host-architecture ",
		pinned: func(n string) bool { return isFile(n) || strings.Contains(n, "=") || strings.HasSuffix(n, "-") }},
	"apk": {install: " add ", refresh: " update ", other: " upgrade fetch fix ",
		takes:  " -X --repository -t --virtual -p --root --keys-dir --cache-dir --repositories-file --wait --arch ",
		pinned: func(n string) bool { return isFile(n) || strings.ContainsAny(n, "=~<>@") || strings.HasPrefix(n, "!") }},
	"yum": {install: " install localinstall reinstall ", refresh: " makecache ", other: " update upgrade groupinstall builddep update-minimal swap module ",
		takes:  " -c --config -d -e -x --exclude --enablerepo --disablerepo --repo --repoid --installroot --releasever --setopt --forcearch --advisory ",
		pinned: pinnedRPM},
	"zypper": {install: " install in ", refresh: " refresh ref ", other: " update up dist-upgrade dup patch ",
		takes:  " -r --repo --from -R --root -t --type -p --plus-repo -c --config --releasever --gpg-auto-import ",
		pinned: pinnedRPM},
	"pip": {install: " install ", language: true,
		takes: " -c --constraint -r --requirement -e --editable -i --index-url --extra-index-url -f --find-links -t --target --prefix --trusted-host --root --platform --python-version --implementation --abi --src --progress-bar --proxy --timeout --retries --cert --client-cert --cache-dir --log --no-binary --only-binary --upgrade-strategy --config-settings -C --global-option --root-user-action --report --python --default-timeout ",
		pinned: func(n string) bool {
			return isFile(n) || pipVersion.MatchString(n) || strings.HasSuffix(n, ".whl") || strings.HasSuffix(n, ".gz") || strings.HasSuffix(n, ".zip")
		}},
	"gem": {install: " install i ", language: true,
		takes:  " -v --version -s --source -i --install-dir -n --bindir --platform -P --trust-policy -p --http-proxy --document -B --build-root ",
		pinned: func(n string) bool { return isFile(n) || strings.Contains(n, ":") || strings.HasSuffix(n, ".gem") }},
	"npm": {install: " install i add in isntall ", language: true,
		takes:  " --prefix --registry --cache --tag -w --workspace --omit --include --only --loglevel --userconfig --proxy --https-proxy --fetch-timeout --fetch-retries --network-timeout --cwd -C --dir --filter --cache-folder ",
		pinned: pinnedNPM},
}

// names are the programs that are called under another name.
var names = map[string]string{"apt": "apt-get", "dnf": "yum", "microdnf": "yum", "tdnf": "yum", "dnf5": "yum", "pip3": "pip", "pip2": "pip", "yarn": "npm", "pnpm": "npm"}

// installation is one command of a package manager.
type installation struct {
	command  *shell.Command
	manager  *manager
	program  string // as it is called: dnf
	family   string // the name in managers: yum
	sub      string
	subAt    int // its word
	packages []*shell.Word
	options  []*shell.Word
	listed   bool // -r requirements.txt, -c constraints.txt, --version: they say the versions
	opaque   *shell.Word
}

// installationOf reads a command of a package manager; nil when it is none.
func installationOf(c *shell.Command) *installation {
	in := &installation{command: c, program: c.Name, family: c.Name}
	first := 1
	if strings.HasPrefix(c.Name, "python") && len(c.Words) > 3 && c.Words[1].Text == "-m" && c.Words[2].Text == "pip" { // python -m pip install
		in.program, in.family, first = "pip", "pip", 3
	}
	if strings.HasPrefix(c.Name, "pip3.") {
		in.family = "pip"
	}
	if n := names[in.family]; n != "" {
		in.family = n
	}
	if in.manager = managers[in.family]; in.manager == nil {
		return nil
	}
	for i := first; i < len(c.Words); i++ {
		w := &c.Words[i]
		switch {
		case strings.HasPrefix(w.Text, "-") || !w.Known && strings.HasPrefix(w.Prefix, "-"):
			in.options = append(in.options, w)
			switch w.Text {
			case "-r", "--requirement", "-c", "--constraint", "-v", "--version":
				in.listed = in.listed || in.manager.language
			}
			if strings.HasPrefix(w.Text, "--requirement=") || strings.HasPrefix(w.Text, "--version=") || strings.HasPrefix(w.Text, "--constraint=") {
				in.listed = true
			}
			if strings.Contains(in.manager.takes, " "+w.Text+" ") && i+1 < len(c.Words) {
				i++
				in.options = append(in.options, &c.Words[i])
			}
		case in.sub == "" && w.Known:
			if w.Text == "global" && (in.program == "yarn" || in.program == "pnpm") {
				continue
			}
			in.sub, in.subAt = w.Text, i
		case !w.Known && w.Prefix == "":
			if in.opaque == nil {
				in.opaque = w
			}
		default:
			in.packages = append(in.packages, w)
		}
	}
	return in
}

func (in *installation) installs() bool { return in.is(in.manager.install) }

func (in *installation) is(list string) bool {
	return in.sub != "" && strings.Contains(list, " "+in.sub+" ")
}

// has reports whether one of the options is among the words, or a letter among their short ones.
func (in *installation) has(letters string, options ...string) bool {
	for _, w := range in.options {
		if slices.Contains(options, w.Text) {
			return true
		}
		for i := range len(letters) {
			if _, ok := cluster(w.Text, letters[i], "oxcte"); ok {
				return true
			}
		}
	}
	return false
}

// maxInstallations is how many commands of package managers of one RUN are looked at.
const maxInstallations = 500

// packages tells what the package managers of a RUN are asked for.
func (s *script) packages(f *fields) {
	var all []*installation
	for i := range s.Commands {
		c := &s.Commands[i]
		if in := installationOf(c); in != nil && !slices.Contains(c.Wrappers, "find") {
			all = append(all, in)
		}
	}
	all = all[:min(len(all), maxInstallations)]
	var system, language value.Value
	for _, in := range all {
		s.aptCommand(f, in)
		sub := in.word(in.subAt)
		if in.family == "apt-get" && (in.sub == "dist-upgrade" || in.sub == "full-upgrade") {
			f.fact("dist_upgrade", s.word(sub), edit(s.word(sub), "upgrade"))
		}
		if !in.installs() {
			continue
		}
		s.interactive(f, in)
		if in.family == "apt-get" && !in.has("", "--no-install-recommends") && !s.sets(in, "Install-Recommends") {
			f.fact("recommended_packages", s.word(sub), s.after(sub, "--no-install-recommends"))
		}
		if in.manager.language {
			s.unpinned(&language, in)
		} else {
			s.unpinned(&system, in)
		}
	}
	s.cache(f, all)
	s.alone(f, all)
	f.set("unpinned_packages", system)
	f.set("unpinned_language_packages", language)
}

func (in *installation) word(i int) *shell.Word { return &in.command.Words[i] }

// sets reports whether apt's option of a name is given with -o as false, no or 0.
func (s *script) sets(in *installation, name string) bool {
	return slices.ContainsFunc(in.options, func(w *shell.Word) bool {
		_, v, ok := strings.Cut(w.Text, "=")
		return ok && strings.Contains(w.Text, name) && isFalse(strings.Trim(v, `"`))
	})
}

// aptCommand finds apt where apt-get or apt-cache has a stable interface.
func (s *script) aptCommand(f *fields, in *installation) {
	if in.program != "apt" || in.sub == "" {
		return
	}
	w := &in.command.Words[0]
	switch in.sub {
	case "install", "update", "upgrade", "remove", "purge", "autoremove", "clean", "autoclean", "build-dep", "source", "download", "reinstall", "dist-upgrade":
		if w.Text == "apt" {
			f.fact("apt_command", s.word(w), edit(s.word(w), "apt-get"))
			return
		}
	case "search", "show", "policy", "depends", "rdepends", "showsrc":
		if w.Text == "apt" {
			f.fact("apt_command", s.word(w), edit(s.word(w), "apt-cache"))
			return
		}
	}
	f.fact("apt_command", s.word(w))
}

// interactive finds installations that ask before they begin: nobody answers.
func (s *script) interactive(f *fields, in *installation) {
	sub := in.word(in.subAt)
	if slices.Contains(in.command.From, "yes") || slices.Contains(in.command.From, "echo") {
		return
	}
	switch in.family {
	case "apt-get":
		if in.has("y", "--yes", "--assume-yes", "--force-yes") || in.has("", "-qq") ||
			slices.ContainsFunc(in.options, func(w *shell.Word) bool {
				return strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "--") && strings.Count(w.Text, "q") > 1 || strings.Contains(w.Text, "Assume-Yes=") || strings.HasPrefix(w.Text, "-q=2")
			}) || in.has("sd", "--simulate", "--dry-run", "--download-only") {
			return
		}
	case "yum":
		if in.has("y", "--assumeyes", "--yes", "--assumeno", "--downloadonly") {
			return
		}
	case "zypper":
		if in.has("ny", "--non-interactive", "--no-confirm") {
			return
		}
	default:
		return
	}
	for _, w := range append(in.options, in.opaque) {
		if w != nil && !w.Known && w.Unquoted && w.Prefix == "" {
			f.unknown("interactive_install", s.word(w))
			return
		}
	}
	f.fact("interactive_install", s.word(sub), s.after(sub, "-y"))
}

// unpinned lists packages without a version.
func (s *script) unpinned(list *value.Value, in *installation) {
	if in.listed {
		return
	}
	for _, w := range in.packages {
		text := w.Text
		if !w.Known {
			if in.manager.pinned(w.Prefix) {
				continue
			}
			s.perhaps(list, w)
			continue
		}
		if text == "" || in.manager.pinned(text) {
			continue
		}
		at := s.word(w)
		if list.Kind != value.List {
			*list = value.Value{Kind: value.List, Range: at}
		}
		list.Items = append(list.Items, value.Value{Kind: value.String, Text: valid(text), Range: at})
	}
	if in.opaque != nil {
		s.perhaps(list, in.opaque)
	}
}

// perhaps says that there may be packages nobody knows.
func (s *script) perhaps(list *value.Value, w *shell.Word) {
	if list.Kind != value.List {
		*list = value.Value{Kind: value.List, Range: s.word(w)}
	}
	list.Open = true
}

// cleaners are what takes away the cache of a package manager: words of an rm, and mounts that keep it out of the image.
var cleaners = map[string][]string{
	"apt-get": {"/var/lib/apt"},
	"apk":     {"/var/cache/apk", "/etc/apk/cache", "/lib/apk/db"},
	"yum":     {"/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/tdnf"},
	"zypper":  {"/var/cache/zypp"},
	"pip":     {"/root/.cache", "~/.cache", ".cache/pip"},
	"yarn":    {"/usr/local/share/.cache", ".cache/yarn", "~/.yarn", "/root/.yarn"},
}

// cache finds installations that leave their index or cache in the layer.
func (s *script) cache(f *fields, all []*installation) {
	const name = "cache_left"
	done := map[string]bool{} // families of which all is said
	cleaned := map[string]bool{}
	updated := slices.ContainsFunc(all, func(in *installation) bool { return in.family == "apt-get" && in.sub == "update" })
	for _, in := range all {
		if !in.installs() {
			continue
		}
		sub := in.word(in.subAt)
		family := in.family
		if in.program == "yarn" {
			family = "yarn"
		}
		if _, known := cleaned[family]; !known {
			cleaned[family] = s.cleaned(family, all)
		}
		if done[family] || cleaned[family] {
			continue
		}
		switch family {
		case "apt-get":
			if updated {
				f.fact(name, s.word(sub), s.appended("rm -rf /var/lib/apt/lists/*")...)
				done[family] = true
			}
		case "apk":
			if !in.has("", "--no-cache") {
				f.fact(name, s.word(sub), s.after(sub, "--no-cache"))
			}
		case "yum":
			f.fact(name, s.word(sub), s.appended(in.program+" clean all")...)
			done[family] = true
		case "zypper":
			f.fact(name, s.word(sub), s.appended("zypper clean --all")...)
			done[family] = true
		case "pip":
			v, _, set := f.scope().value("PIP_NO_CACHE_DIR")
			if in.has("", "--no-cache-dir") || set && !isFalse(v.text) || s.assigned("PIP_NO_CACHE_DIR") {
				continue
			}
			f.fact(name, s.word(sub), s.after(sub, "--no-cache-dir"))
		case "yarn":
			f.fact(name, s.word(sub), s.appended("yarn cache clean")...)
			done[family] = true
		}
	}
}

func (s *script) assigned(name string) bool {
	for i := range s.Commands {
		for _, a := range s.Commands[i].Assigns {
			if a.Name == name {
				return true
			}
		}
	}
	return false
}

// cleaned reports whether the cache of a package manager is taken away, or never was in the image.
func (s *script) cleaned(family string, all []*installation) bool {
	for _, flag := range s.d.in.flags {
		if strings.HasPrefix(flag.text, "--mount=") && (strings.Contains(flag.text, "type=cache") || strings.Contains(flag.text, "type=tmpfs")) {
			for _, dir := range append(cleaners[family], "/var/cache/"+strings.TrimSuffix(family, "-get"), ".cache") {
				if strings.Contains(flag.text, strings.TrimPrefix(dir, "~")) {
					return true
				}
			}
		}
	}
	for _, in := range all {
		if in.family != family && !(family == "yarn" && in.program == "yarn") {
			continue
		}
		switch {
		case in.sub == "clean" && family != "apt-get": // apt-get clean leaves the lists
			return true
		case in.sub == "cache":
			return true
		}
	}
	for i := range s.Commands {
		c := &s.Commands[i]
		if c.Name != "rm" && c.Name != "find" && c.Name != "rmdir" {
			continue
		}
		for _, w := range c.Words {
			text := w.Text
			for _, dir := range cleaners[family] {
				if strings.Contains(text, dir) {
					return true
				}
			}
			if parent := strings.TrimSuffix(text, "/*"); text != parent && (parent == "/var/cache" && family != "apt-get" || parent == "/var/lib") {
				return true
			}
		}
	}
	return false
}

// appended is the edit that runs one more command at the end.
func (s *script) appended(command string) []source.Edit {
	text := strings.TrimRight(s.text, " \t\r\n;")
	if s.exec || s.Broken || text == "" || strings.HasSuffix(text, "&") || strings.HasSuffix(text, "|") || len(s.d.in.heredocs) > 0 && !s.body {
		return nil
	}
	at := s.at(0, len(text)).End
	if s.body {
		return []source.Edit{s.e.insertAt(at, s.e.newline+command)}
	}
	if s.Commands[len(s.Commands)-1].Name == "" || strings.Contains(text, " #") {
		return nil
	}
	return []source.Edit{s.e.insertAt(at, " && "+command)}
}

// alone finds a RUN that fetches the index and installs nothing: the layer is kept, and a later installation goes by an old index.
func (s *script) alone(f *fields, all []*installation) {
	var refresh *installation
	for _, in := range all {
		switch {
		case in.is(in.manager.refresh):
			refresh = in
		case in.installs() || in.is(in.manager.other):
			return
		}
	}
	if refresh == nil {
		return
	}
	for _, flag := range s.d.in.flags {
		if strings.Contains(flag.text, "type=cache") {
			return
		}
	}
	for i := range s.Commands { // another program may install
		c := &s.Commands[i]
		if c.Name == "" && len(c.Words) > 0 || len(c.Words) > 0 && strings.Contains(c.Words[0].Text, "/") || c.Name == "sh" || c.Name == "bash" || c.Name == "source" || c.Name == "." || c.Name == "xargs" || c.Name == "aptitude" {
			return
		}
	}
	f.fact("index_alone", s.word(refresh.word(refresh.subAt)))
}
