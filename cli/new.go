package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/schema"
)

var ruleID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)

var newCommand = func() *command {
	var typ, severity, dir string
	return &command{
		name:    "new",
		args:    "rule ID",
		summary: "Start a rule page",
		long: `
Writes a page to fill in. The id says what is wrong and is the name of the file: acme-bucket-unnamed. The page goes to the
first folder of rule-pages in the settings, else to the working directory. plumbline test runs it.`,
		flags: func(c *call) {
			c.set.StringVar(&typ, "type", "aws_s3_bucket", "resource `TYPE` that the rule is on")
			c.set.StringVar(&severity, "severity", "medium", "`SEVERITY` of its findings")
			c.set.StringVar(&dir, "dir", "", "`FOLDER` to write to")
		},
		run: func(ctx context.Context, c *call) error {
			if len(c.args) != 2 || c.args[0] != "rule" {
				return usage("write: plumbline new rule acme-bucket-unnamed")
			}
			id := c.args[1]
			if !ruleID.MatchString(id) {
				return usage("%q is not an id for a rule: write lower-case words with hyphens between them, the provider or your team first", id)
			}
			var known finding.Severity
			if err := known.UnmarshalText([]byte(severity)); err != nil {
				return usage("--severity: %v", err)
			}
			set := schema.Load()
			about := set.Resource(typ)
			if about == nil {
				return &failed{Usage, fmt.Sprintf("there is no resource type %q in the schemas", typ), didYouMean(set.Suggest(typ))}
			}
			e, err := c.openEstate(ctx, &estateFlags{anyPages: true}, nil)
			if err != nil {
				return err
			}
			defer e.Close()
			if r := e.options.Rules.Rule(id); r != nil {
				return usage("there is a rule %s already: %s", r.ID, r.Title)
			}
			to := c.Dir
			if dir != "" {
				to = dir
				if !filepath.IsAbs(dir) {
					to = filepath.Join(c.Dir, dir)
				}
			} else if pages := e.config.Run.RulePages; len(pages) > 0 {
				to = filepath.Join(e.tree.Dir, filepath.FromSlash(pages[0]))
			}
			return writePage(c, filepath.Join(to, id+".md"), page(id, severity, about))
		},
	}
}()

func writePage(c *call, name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("make the folder of the page: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s is there already", name)
	} else if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	_, err = fmt.Fprintf(c.Out, "wrote %s\nfill it in, then: plumbline test %s\n", name, filepath.Dir(name))
	return err
}

// page is a page that compiles, and fails its test until its why is written.
func page(id, severity string, about *schema.Resource) string {
	if about.Name == "k8s_container" {
		return strings.NewReplacer("ID", id, "SEVERITY", severity, "~", "`").Replace(containerPage)
	}
	require, message, good := example(about)
	return strings.NewReplacer("ID", id, "TYPE", about.Name, "SEVERITY", severity, "REQUIRE", require, "MESSAGE", message, "GOOD", good, "~", "`").Replace(`---
id: ID
severity: SEVERITY
category: configuration
on: [TYPE]
require: REQUIRE
message: MESSAGE
since: 0.1
---
# Say in one line what is wrong

Replace this: what an attacker does with it, what changes when it is fixed, when it is fine to ignore.

## Flagged
~~~terraform
resource "TYPE" "example" { # want
}
~~~

## Not flagged
~~~terraform
resource "TYPE" "example" {
  GOOD
}
~~~
`)
}

// containerPage is the page for containers of Kubernetes, which Terraform's code has no resource for.
const containerPage = `---
id: ID
severity: SEVERITY
category: configuration
on: [k8s_container]
require: this.image.startsWith("registry.example.com/")
message: The image comes from a registry of somebody else
since: 0.1
---
# Say in one line what is wrong

Replace this: what an attacker does with it, what changes when it is fixed, when it is fine to ignore.

## Flagged
~~~kubernetes
apiVersion: v1
kind: Pod
metadata:
  name: example
spec:
  containers:
    - name: app
      image: docker.io/acme/app:1.4.2 # want
~~~

## Not flagged
~~~kubernetes
apiVersion: v1
kind: Pod
metadata:
  name: example
spec:
  containers:
    - name: app
      image: registry.example.com/acme/app:1.4.2
~~~
`

// example is a condition to start from that the type can meet: an owner among its tags, else an attribute that may be left
// out, else one that may not.
func example(about *schema.Resource) (require, message, good string) {
	if tags := about.Attribute("tags"); tags != nil && tags.Type.Kind == schema.MapOf {
		return `this.tags["Owner"] != null`, "Nobody is named as the owner", "tags = {\n    Owner = \"payments\"\n  }"
	}
	words := map[schema.Kind]string{schema.String: `"example"`, schema.Number: "1", schema.Bool: "true"}
	for _, computed := range []bool{false, true} {
		for _, a := range about.Attributes {
			word := words[a.Type.Kind]
			if a.Nesting != schema.None || word == "" || a.Computed != computed || !a.Optional && !a.Required {
				continue
			}
			require = fmt.Sprintf("this.%s == %s", a.Name, word)
			if a.Type.Kind == schema.String {
				require = fmt.Sprintf("this.%s == 'example'", a.Name)
			}
			return require, a.Name + " is not what it should be", a.Name + " = " + word
		}
	}
	return "false", "There is one", "# nothing that this type has can be set: say what must hold"
}
