package github

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/value"
)

// pushers are actions that push with the credentials that a checkout leaves behind.
var pushers = []string{
	"stefanzweifel/git-auto-commit-action", "ad-m/github-push-action", "endbug/add-and-commit", "peter-evans/create-pull-request", "peaceiris/actions-gh-pages",
	"jamesives/github-pages-deploy-action", "changesets/action", "semantic-release/semantic-release", "cycjimmy/semantic-release-action", "helm/chart-releaser-action",
	"anothrnick/github-tag-action", "mathieudutour/github-tag-action",
}

// credentials adds what a checkout leaves in the workspace, and whether it is uploaded from there.
//
// https://github.com/actions/checkout: persist-credentials is true by default.
func (e *evaluation) credentials(body *pipelines.Body, s *step) {
	if s.is("actions/checkout") {
		place := at(s.node, "uses")
		kept := pipelines.Bool(true, place)
		if m := s.input("persist-credentials"); m != nil {
			kept = evaluated(m.Value)
			switch strings.ToLower(textOf(m.Value)) {
			case "false":
				kept = pipelines.Bool(false, m.Range)
			default:
				if kept.Kind != value.Unknown {
					kept = pipelines.Bool(true, m.Range)
				}
			}
			kept.Range = m.Range
		}
		if kept.Bool {
			for _, later := range s.of.steps {
				if later.index > s.index && (e.needsCredentials(later) || e.uploadsWorkspace(later)) {
					kept.Bool = false
				}
			}
		}
		body.Set("keeps_credentials", kept)
		return
	}
	if !e.uploadsWorkspace(s) {
		return
	}
	for _, before := range s.of.steps {
		if before.index < s.index && before.is("actions/checkout") && before.persists() {
			body.Set("uploads_credentials", pipelines.Bool(true, s.input("path").Range))
			return
		}
	}
}

// persists reports whether a checkout leaves its credentials behind for certain.
func (s *step) persists() bool {
	m := s.input("persist-credentials")
	return m == nil || strings.EqualFold(textOf(m.Value), "true")
}

// needsCredentials reports whether a step talks to the repository with the credentials that a checkout left.
func (e *evaluation) needsCredentials(s *step) bool {
	if s.is(pushers...) {
		return true
	}
	if s.text == nil {
		return false
	}
	for i := range e.reads(s).Commands {
		c := &e.reads(s).Commands[i]
		if c.Name != "git" {
			continue
		}
		for w := range c.Words {
			switch c.Words[w].Text {
			case "push", "fetch", "pull", "submodule", "ls-remote", "lfs":
				return true
			}
		}
	}
	return false
}

// uploadsWorkspace reports whether a step uploads the workspace with its folder .git. Hidden files are left out unless asked for since
// version 4.4: https://github.com/actions/upload-artifact/releases/tag/v4.4.0
func (e *evaluation) uploadsWorkspace(s *step) bool {
	if !s.is("actions/upload-artifact") {
		return false
	}
	m := s.input("path")
	if m == nil {
		return false
	}
	hidden := s.input("include-hidden-files")
	asked := hidden != nil && strings.EqualFold(textOf(hidden.Value), "true")
	for line := range strings.Lines(textOf(m.Value)) {
		p := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "./"), "/")
		switch {
		case p == ".git" || strings.HasPrefix(p, ".git/"):
			return asked || !hidesByDefault(s.uses)
		case line != "" && (p == "" || p == "." || p == "*" || p == "**" || p == "**/*" || strings.EqualFold(strings.ReplaceAll(p, " ", ""), "${{github.workspace}}")):
			if strings.TrimSpace(line) != "" && (asked || !hidesByDefault(s.uses)) {
				return true
			}
		}
	}
	return false
}

// hidesByDefault reports whether a version of upload-artifact leaves hidden files out. A commit without a remark is taken for a new one.
func hidesByDefault(u use) bool {
	v, ok := parseVersion(u.version)
	return !ok || v.atLeast(4, 4, 0)
}

// staticCredentials are the long-lived keys that a step gives an action which could do with a token of the run.
func staticCredentials(s *step) notes {
	keys := map[string][]string{
		"aws-actions/configure-aws-credentials": {"aws-access-key-id", "aws-secret-access-key"},
		"google-github-actions/auth":            {"credentials_json"},
		"google-github-actions/setup-gcloud":    {"service_account_key"},
		"azure/login":                           {"creds"},
		"google-github-actions/deploy-cloudrun": {"credentials"},
		"azure/docker-login":                    {"password"},
	}[s.uses.repo]
	if s.uses.kind != "action" {
		return nil
	}
	for _, key := range keys {
		m := s.input(key)
		if m == nil || m.Value.IsNull() {
			continue
		}
		// Keys that an earlier step was given for the run are not long-lived.
		long := false
		for _, x := range expressionsIn(textOf(m.Value)) {
			if x.node != nil && slices.ContainsFunc(carried(x.node), func(p string) bool { return strings.HasPrefix(p, "secrets.") || strings.HasPrefix(p, "vars.") }) {
				long = true
			}
		}
		if long && s.input("aws-session-token") == nil {
			return notes{{key, m.Range}}
		}
	}
	return nil
}

// staticToken names the registry that a step publishes to with a stored token although it trusts tokens of the run:
// https://docs.pypi.org/trusted-publishers, https://docs.npmjs.com/trusted-publishers, https://guides.rubygems.org/trusted-publishing,
// https://crates.io/docs/trusted-publishing, https://learn.microsoft.com/en-us/nuget/nuget-org/trusted-publishing
func (e *evaluation) staticToken(s *step) notes {
	if s.is("pypa/gh-action-pypi-publish") {
		if m := s.input("password"); m != nil && holdsSecret(textOf(m.Value)) {
			if url := s.input("repository-url"); url == nil || strings.Contains(textOf(url.Value), "pypi.org") {
				return notes{{"PyPI", m.Range}}
			}
		}
		return nil
	}
	if s.text == nil {
		return nil
	}
	tokens := map[string]string{}
	for _, name := range []string{"NODE_AUTH_TOKEN", "NPM_TOKEN", "TWINE_PASSWORD", "CARGO_REGISTRY_TOKEN", "GEM_HOST_API_KEY", "NUGET_API_KEY", "UV_PUBLISH_TOKEN", "FLIT_PASSWORD", "POETRY_PYPI_TOKEN_PYPI"} {
		if n := s.scope().variable(name); n != nil && holdsSecret(n.Text) && !strings.Contains(strings.ToUpper(n.Text), "GITHUB_TOKEN") {
			tokens[name] = n.Text
		}
	}
	for i := range e.reads(s).Commands {
		c := &e.reads(s).Commands[i]
		place := s.text.Range(c.Start, c.End)
		has := func(names ...string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return tokens[n] != "" })
		}
		other := slices.ContainsFunc(c.Words, func(w shell.Word) bool {
			return strings.HasPrefix(w.Text, "--registry") || strings.HasPrefix(w.Text, "--repository") || w.Text == "-r" || strings.HasPrefix(w.Text, "--index")
		})
		switch {
		case other:
		case (c.Name == "npm" || c.Name == "pnpm") && hasWords(c, "publish") && has("NODE_AUTH_TOKEN", "NPM_TOKEN"):
			return notes{{"npm", place}}
		case c.Name == "twine" && hasWords(c, "upload") && has("TWINE_PASSWORD"), c.Name == "uv" && hasWords(c, "publish") && has("UV_PUBLISH_TOKEN"),
			c.Name == "flit" && hasWords(c, "publish") && has("FLIT_PASSWORD"), c.Name == "poetry" && hasWords(c, "publish") && has("POETRY_PYPI_TOKEN_PYPI"):
			return notes{{"PyPI", place}}
		case c.Name == "cargo" && hasWords(c, "publish") && has("CARGO_REGISTRY_TOKEN"):
			return notes{{"crates.io", place}}
		case c.Name == "gem" && hasWords(c, "push") && has("GEM_HOST_API_KEY"):
			return notes{{"RubyGems", place}}
		case c.Name == "dotnet" && hasWords(c, "nuget", "push") && has("NUGET_API_KEY"):
			return notes{{"NuGet", place}}
		}
	}
	return nil
}

// holdsSecret reports whether a text is made of a secret.
func holdsSecret(text string) bool {
	return slices.ContainsFunc(expressionsIn(text), func(x expression) bool {
		return x.node != nil && slices.ContainsFunc(carried(x.node), func(p string) bool { return strings.HasPrefix(p, "secrets.") })
	})
}

// literalPasswords are the passwords of registries that stand in the workflow.
func literalPasswords(container, services value.Value) notes {
	var out notes
	look := func(v *value.Value) {
		p := v.Field("credentials").Field("password")
		if p.Kind == value.String && p.Text != "" {
			out = append(out, note{"password", p.Range})
		}
	}
	look(&container)
	for i := range services.Items {
		look(&services.Items[i])
	}
	return out
}

// secretsOf lists the secrets that a job reads, but for the token of the run.
func (e *evaluation) secretsOf(j *job) notes { return e.secretsOfIn(e.model, j) }

func (e *evaluation) secretsOfIn(m *model, j *job) notes {
	var out notes
	look := func(all []placed) {
		for i := range all {
			x := &all[i]
			if x.node == nil {
				continue
			}
			for _, p := range paths(x.node) {
				if name, ok := strings.CutPrefix(p, "secrets."); ok && name != "github_token" && !slices.ContainsFunc(out, func(n note) bool { return n.text == name }) {
					out = append(out, note{name, x.at()})
				}
			}
		}
	}
	look(gather(m.file.File, j.node, "steps"))
	for _, s := range j.steps {
		look(s.exprs)
	}
	return out
}

// secretsUsed lists the secrets of a job that has no environment which would say who may use them.
func (e *evaluation) secretsUsed(j *job, _ []placed) notes {
	if j.node.Get("environment") != nil || j.uses.kind != "" {
		return nil
	}
	return e.secretsOf(j)
}
