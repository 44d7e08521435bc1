package dockerfile

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

func pathOf(path string) value.Path {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return p
}

func setTo(path string, v value.Value) resource.Change {
	return resource.Change{Op: resource.Set, Path: pathOf(path), Value: v}
}

func remove(path string) resource.Change {
	return resource.Change{Op: resource.Remove, Path: pathOf(path)}
}

func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

const twoStages = `# syntax=docker/dockerfile:1
ARG VERSION=1.22
ARG REGISTRY
# the build
FROM --platform=$BUILDPLATFORM golang:${VERSION} AS Build
WORKDIR src
RUN apt-get update && \
    # what cgo needs
    apt-get install curl \
      git
RUN curl -fsSLk https://example.com/x.tgz | tar xz
ADD go.mod go.sum ./
COPY --from=0 /a /b

FROM ${REGISTRY}/base:1
ARG VERSION
ENV A=1 B="$VERSION x"
COPY --from=build --chmod=777 /out /bin/app
EXPOSE 22 8080/tcp
CMD app --serve
CMD ["app"]
`

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name:  "stages",
			Files: map[string]string{"web/Dockerfile": twoStages},
			Addresses: []string{"file", `global["ARG VERSION"]`, `global["ARG REGISTRY"]`, "build", `build["WORKDIR"]`, `build["RUN apt-get update"]`,
				`build["RUN curl"]`, `build["COPY ."]`, `build["COPY /b"]`, "final", `final["ARG VERSION"]`, `final["ENV A"]`, `final["COPY /bin/app"]`,
				`final["CMD"]`},
			Values: []dialecttest.Value{
				{Address: "build", Path: "image", Show: `"golang:1.22"`, At: "golang:${VERSION}"},
				{Address: "build", Path: "platform", At: "$BUILDPLATFORM", Wait: "build platform BUILDPLATFORM"},
				{Address: "final", Path: "image", At: "${REGISTRY}/base:1", Wait: "build argument REGISTRY"},
				{Address: "final", Path: "user", At: "${REGISTRY}/base:1", Wait: "build argument REGISTRY"},
				{Address: `final["ENV A"]`, Path: "variables[1].value", Show: `"1.22 x"`, At: `B="$VERSION x"`},
				{Address: `build["RUN apt-get update"]`, Path: "commands[1].words", Show: `["apt-get", "install", "curl", "git"]`, At: "apt-get install"},
				{Address: `build["RUN curl"]`, Path: "insecure_tls", Show: "true", At: "-fsSLk"},
				{Address: `build["WORKDIR"]`, Path: "relative", Show: "true", At: "src"},
				{Address: "final", Path: "ports[1].to", Show: "8080", At: "8080/tcp"},
				{Address: `final["CMD"]`, Path: "words", Show: `["app"]`, At: `"app"`},
			},
			Wishes: []dialecttest.Wish{
				{Name: "flag", Address: `final["COPY /bin/app"]`, Changes: []resource.Change{setTo("chmod", text("755"))}},
				{Name: "new flag", Address: `final["COPY /bin/app"]`, Changes: []resource.Change{setTo("chown", text("app"))}},
				{Name: "no flag", Address: "build", Changes: []resource.Change{remove("platform")}},
				{Name: "a letter", Address: `build["RUN curl"]`, Changes: []resource.Change{remove("insecure_tls")}},
				{Name: "options", Address: `build["RUN apt-get update"]`, Changes: []resource.Change{remove("interactive_install"), remove("cache_left")}},
				{Name: "port", Address: "final", Changes: []resource.Change{remove("ssh")}},
				{Name: "the other command", Address: "final", Changes: []resource.Change{remove("overridden_cmd")}},
				{Name: "keyword", Address: `build["COPY ."]`, Changes: []resource.Change{setTo("instruction", text("COPY"))}},
				{Name: "stage by name", Address: `build["COPY /b"]`, Changes: []resource.Change{remove("from_index")}, Refused: true},
				{Name: "unknown user", Address: "final", Changes: []resource.Change{setTo("user", text("app"))}, Refused: true},
				{Name: "not a word", Address: `build["RUN curl"]`, Changes: []resource.Change{setTo("text", text("true"))}, Refused: true},
				{Name: "directory", Address: `build["WORKDIR"]`, Changes: []resource.Change{setTo("path", text("/src"))}},
			},
		},
		{
			Name: "one stage",
			Files: map[string]string{"Containerfile": `FROM alpine:3.20
MAINTAINER "Ann <ann@example.com>"
RUN sudo -E apk add --allow-untrusted x && useradd app
RUN <<EOF
set -e
pip install flask
EOF
ONBUILD RUN make
HEALTHCHECK --interval=5s CMD curl -f http://localhost
CMD ["app"]
`},
			Addresses: []string{"file", "final", `final["LABEL org.opencontainers.image.authors"]`, `final["RUN apk add x"]`, `final["RUN pip install flask"]`, `final["ONBUILD RUN"]`,
				`final["ONBUILD RUN make"]`, `final["HEALTHCHECK"]`, `final["CMD"]`},
			Values: []dialecttest.Value{
				{Address: `final["RUN pip install flask"]`, Path: "unpinned_language_packages", Show: `["flask"]`, At: "flask"},
				{Address: `final["RUN apk add x"]`, Path: "sudo", Show: "true", At: "sudo"},
				{Address: "final", Path: "healthcheck", Show: "true", At: "HEALTHCHECK"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "label", Address: `final["LABEL org.opencontainers.image.authors"]`, Changes: []resource.Change{setTo("instruction", text("LABEL"))}},
				{Name: "user", Address: "final", Changes: []resource.Change{setTo("user", text("10001:10001"))}},
				{Name: "sudo", Address: `final["RUN apk add x"]`, Changes: []resource.Change{remove("sudo"), remove("unsigned_packages"), remove("login_records"), remove("cache_left")}},
				{Name: "heredoc", Address: `final["RUN pip install flask"]`, Changes: []resource.Change{remove("cache_left")}},
				{Name: "flag with an underscore", Address: `final["HEALTHCHECK"]`, Changes: []resource.Change{setTo("start_period", text("5s"))}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }

// TestFeatures holds what the table in docs/dialects.md says of Dockerfiles.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/dockerfile", New(schema.Load()))
}
