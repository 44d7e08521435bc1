package modules

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// credentials are what the user gave Terraform and the web tools for hosts. They are read once, and leave the program only
// towards the host that they are for.
type credentials struct {
	env    func(string) (string, bool)
	tokens map[string]string    // by host, from Terraform's files
	logins map[string][2]string // by host, from netrc: user and password
}

// readCredentials reads Terraform's configuration files, what terraform login wrote, and netrc. Programs that would have to
// be run for credentials (credentials_helper) are not.
func readCredentials(env func(string) (string, bool)) (*credentials, error) {
	c := &credentials{env: env, tokens: make(map[string]string), logins: make(map[string][2]string)}
	home, _ := env("HOME")
	var files []string
	var dir string
	switch appdata, windows := env("APPDATA"); {
	case home != "":
		dir = filepath.Join(home, ".terraform.d")
		files = []string{filepath.Join(home, ".tofurc"), filepath.Join(home, ".terraformrc")}
	case windows:
		dir = filepath.Join(appdata, "terraform.d")
		files = []string{filepath.Join(appdata, "tofu.rc"), filepath.Join(appdata, "terraform.rc")}
	}
	login := ""
	if dir != "" {
		login = filepath.Join(dir, "credentials.tfrc.json")
	}
	for _, name := range []string{"TERRAFORM_CONFIG", "TF_CLI_CONFIG_FILE"} {
		if file, ok := env(name); ok && file != "" {
			files = []string{file}
		}
	}
	if login != "" {
		files = append([]string{login}, files...)
	}
	for _, file := range files {
		if err := c.readFile(file); err != nil {
			return nil, fmt.Errorf("read Terraform's configuration %s: %w", file, err)
		}
	}
	netrc, ok := env("NETRC")
	if !ok && home != "" {
		netrc = filepath.Join(home, ".netrc")
	}
	if text, err := os.ReadFile(netrc); err == nil {
		c.readNetrc(string(text))
	}
	return c, nil
}

// maxConfiguration bounds a file of credentials.
const maxConfiguration = 1 << 20

// readFile takes the credentials blocks of a file; a file that is not there has none.
func (c *credentials) readFile(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return reason(err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfiguration {
		return errors.New("it is not a regular file of at most 1 MiB")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return reason(err)
	}
	if strings.HasSuffix(name, ".json") {
		var file struct {
			Credentials map[string]struct{ Token string }
		}
		if err := json.Unmarshal(text, &file); err != nil {
			return errors.New("it is not valid JSON")
		}
		for host, block := range file.Credentials {
			c.tokens[strings.ToLower(host)] = block.Token
		}
		return nil
	}
	parsed, diags := hclsyntax.ParseConfig(text, filepath.Base(name), hcl.InitialPos)
	if diags.HasErrors() {
		return fmt.Errorf("line %d: %s", diags[0].Subject.Start.Line, diags[0].Summary)
	}
	for _, b := range parsed.Body.(*hclsyntax.Body).Blocks {
		if b.Type != "credentials" || len(b.Labels) != 1 || b.Body.Attributes["token"] == nil {
			continue
		}
		v, diags := b.Body.Attributes["token"].Expr.Value(nil)
		if !diags.HasErrors() && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			c.tokens[strings.ToLower(b.Labels[0])] = v.AsString()
		}
	}
	return nil
}

func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// readNetrc takes the entries of hosts; the entry for all others is not used, because it is for no host.
func (c *credentials) readNetrc(text string) {
	var host string
	var login [2]string
	keep := func() {
		if host != "" && login[1] != "" {
			c.logins[strings.ToLower(host)] = login
		}
		host, login = "", [2]string{}
	}
	macro := false
	for line := range strings.Lines(text) {
		if macro {
			macro = strings.TrimSpace(line) != ""
			continue
		}
		words := strings.Fields(line)
		for i := 0; i < len(words) && !strings.HasPrefix(words[i], "#"); i++ {
			next := ""
			if i+1 < len(words) {
				next = words[i+1]
			}
			switch words[i] {
			case "machine":
				keep()
				host = next
				i++
			case "default":
				keep()
			case "login":
				login[0] = next
				i++
			case "password":
				login[1] = next
				i++
			case "account":
				i++
			case "macdef":
				keep()
				macro = true
				i = len(words)
			}
		}
	}
	keep()
}

// token returns the token for a host, as Terraform finds it: TF_TOKEN_… first.
func (c *credentials) token(host string) string {
	host = strings.ToLower(host)
	if !strings.Contains(host, ":") {
		for _, dash := range []string{"__", "-"} {
			name := strings.ReplaceAll(host, "-", dash)
			for _, name := range []string{strings.ReplaceAll(name, ".", "_"), name} {
				if t, ok := c.env("TF_TOKEN_" + name); ok && t != "" {
					return t
				}
			}
		}
	}
	return c.tokens[host]
}

// variable is the name of the environment variable for a host's token, for people.
func variable(host string) string {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	return "TF_TOKEN_" + strings.ReplaceAll(strings.ReplaceAll(name, "-", "__"), ".", "_")
}
