package github

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/shell"
)

// publishers are actions that publish what a workflow built; for some, only when an input says so.
var publishers = map[string]string{
	"docker/build-push-action": "push", "goreleaser/goreleaser-action": "", "softprops/action-gh-release": "", "ncipollo/release-action": "",
	"pypa/gh-action-pypi-publish": "", "actions/create-release": "", "actions/upload-release-asset": "", "js-devtools/npm-publish": "",
	"svenstaro/upload-release-action": "", "redhat-actions/push-to-registry": "", "helm/chart-releaser-action": "",
}

// publishes names how a step publishes what was built.
func publishes(e *evaluation, s *step) notes {
	if input, ok := publishers[s.uses.repo]; ok && s.uses.kind == "action" {
		if input == "" {
			return notes{{s.uses.repo, s.uses.at}}
		}
		if m := s.input(input); m != nil && strings.EqualFold(textOf(m.Value), "true") {
			return notes{{s.uses.repo, m.Range}}
		}
		return nil
	}
	if s.text == nil {
		return nil
	}
	for i := range e.reads(s).Commands {
		c := &e.reads(s).Commands[i]
		for _, words := range [][]string{
			{"docker", "push"}, {"podman", "push"}, {"buildah", "push"}, {"npm", "publish"}, {"pnpm", "publish"}, {"yarn", "publish"}, {"twine", "upload"},
			{"cargo", "publish"}, {"gem", "push"}, {"gh", "release", "create"}, {"gh", "release", "upload"}, {"helm", "push"}, {"goreleaser", "release"}, {"poetry", "publish"}, {"uv", "publish"}, {"dotnet", "nuget", "push"}, {"ko", "publish"}, {"ko", "build"}, {"crane", "push"},
		} {
			if hasWords(c, words...) && c.Name == words[0] {
				return notes{{strings.Join(words, " "), s.text.Range(c.Start, c.End)}}
			}
		}
	}
	return nil
}

// release adds whether a workflow publishes, and whether it signs what it publishes and says what is in it.
func (e *evaluation) release(body *pipelines.Body) {
	var out notes
	signs, attests := false, false
	for _, j := range e.model.jobs {
		if strings.HasPrefix(j.uses.repo, "slsa-framework/") {
			signs = true
		}
		if j.uses.kind != "" && (strings.Contains(j.uses.text, "sign") || strings.Contains(j.uses.text, "attest")) {
			signs, attests = true, true
		}
		for _, s := range j.steps {
			out = append(out, publishes(e, s)...)
			switch {
			case s.is("actions/attest-build-provenance", "actions/attest", "slsa-framework/slsa-github-generator", "sigstore/gh-action-sigstore-python", "notaryproject/notation-action"):
				signs = true
			case s.is("actions/attest-sbom", "anchore/sbom-action", "cyclonedx/gh-node-module-generatebom", "cyclonedx/gh-gomod-generate-sbom", "kubernetes-sigs/bom"):
				attests = true
			case s.is("pypa/gh-action-pypi-publish"):
				m := s.input("attestations")
				signs = signs || m == nil || strings.EqualFold(textOf(m.Value), "true")
			case s.is("docker/build-push-action"):
				if m := s.input("sbom"); m != nil && !strings.EqualFold(textOf(m.Value), "false") {
					attests = true
				}
				if m := s.input("provenance"); m != nil && !strings.EqualFold(textOf(m.Value), "false") {
					signs = true
				}
			}
			if s.is("actions/attest") && s.input("sbom-path") != nil {
				attests = true
			}
			for i := range e.reads(s).Commands {
				c := &e.reads(s).Commands[i]
				switch {
				case c.Name == "cosign" && slices.ContainsFunc(c.Words, func(w shell.Word) bool { return w.Text == "sign" || w.Text == "sign-blob" }),
					c.Name == "gpg" && slices.ContainsFunc(c.Words, func(w shell.Word) bool { return strings.Contains(w.Text, "sign") || w.Text == "-b" || w.Text == "-ab" }),
					slices.ContainsFunc(c.Words, func(w shell.Word) bool { return w.Text == "--provenance" }), c.Name == "notation", c.Name == "minisign":
					signs = true
				case c.Name == "cosign" && slices.ContainsFunc(c.Words, func(w shell.Word) bool { return w.Text == "attest" }):
					signs, attests = true, true
				case c.Name == "syft" || c.Name == "cdxgen" || strings.HasPrefix(c.Name, "cyclonedx") || c.Name == "bom":
					attests = true
				}
			}
		}
	}
	body.Set("publishes", out.first())
	body.Set("signs", pipelines.Bool(signs, e.top()))
	body.Set("attests", pipelines.Bool(attests, e.top()))
}
