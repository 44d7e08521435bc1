package modules

import (
	"strings"
	"testing"
)

// TestParseAddress reads sources as Terraform and Terragrunt write them.
func TestParseAddress(t *testing.T) {
	kinds := map[kind]string{fromRegistry: "registry", fromGit: "git", fromWeb: "web"}
	for _, c := range []struct{ source, version, want string }{
		{"terraform-aws-modules/vpc/aws", "~> 5.0", "registry registry.terraform.io terraform-aws-modules/vpc/aws ~> 5.0"},
		{"terraform-aws-modules/iam/aws//modules/role", "", "registry registry.terraform.io terraform-aws-modules/iam/aws //modules/role"},
		{"App.Terraform.io/acme/k8s/azurerm", "1.0.0", "registry app.terraform.io acme/k8s/azurerm = 1.0.0"},
		{"localhost.example:8443/a/b/c", "", "registry localhost.example:8443 a/b/c"},
		{"tfr:///acme/vpc/aws?version=1.2.3", "", "registry registry.terraform.io acme/vpc/aws = 1.2.3"},
		{"tfr://reg.example.com/acme/vpc/aws//sub?version=1.2.3", "", "registry reg.example.com acme/vpc/aws = 1.2.3 //sub"},
		{"tfr:///acme/vpc/aws", "", "error needs ?version="},
		{"github.com/hashicorp/example", "", "git https://github.com/hashicorp/example.git"},
		{"github.com/hashicorp/example//sub?ref=v1", "", "git https://github.com/hashicorp/example.git //sub ref=v1"},
		{"github.com/hashicorp/example.git/deep/er", "", "git https://github.com/hashicorp/example.git //deep/er"},
		{"bitbucket.org/hashicorp/tf", "", "git https://bitbucket.org/hashicorp/tf.git"},
		{"git@github.com:hashicorp/example.git//a?ref=main", "", "git ssh://git@github.com/hashicorp/example.git //a ref=main"},
		{"git::git@gitlab.com:a/b.git", "", "git ssh://git@gitlab.com/a/b.git"},
		{"git::https://example.com/network.git//modules/vpc?ref=v1.2.0&depth=1", "", "git https://example.com/network.git //modules/vpc ref=v1.2.0"},
		{"git::ssh://user@example.com:2222/storage.git", "", "git ssh://user@example.com:2222/storage.git"},
		{"git::github.com/a/b?ref=c", "", "git https://github.com/a/b.git ref=c"},
		{"https://example.com/vpc.zip", "", "web https://example.com/vpc.zip archive=zip"},
		{"https://example.com/vpc?archive=tgz&x=1//no", "", "web https://example.com/vpc?x=1%2F%2Fno archive=tgz"},
		{"https://api.github.com/repos/a/b/tarball/v1//*?archive=tar.gz", "", "web https://api.github.com/repos/a/b/tarball/v1 //* archive=tar.gz"},
		{"https://example.com/m.tar.gz//sub", "", "web https://example.com/m.tar.gz //sub archive=tar.gz"},
		{"https://example.com/vpc", "", "web https://example.com/vpc"},

		{"s3::https://s3.amazonaws.com/b/m.zip", "", "error buckets"},
		{"gcs::https://www.googleapis.com/storage/v1/b/m.zip", "", "error buckets"},
		{"hg::https://example.com/x", "", "error hg::"},
		{"ext::sh -c id", "", "error ext::"},
		{"git::ext::sh -c id", "", "error no source"},
		{"git::file:///srv/x", "1.0", "error have a version"},
		{"git::git://example.com/x", "", "error git://"},
		{"git::https://example.com/x?ref=--upload-pack=id", "", "error not the name of a branch"},
		{"git::https://example.com/x?ref=a..b", "", "error not the name of a branch"},
		{"git::https://example.com/x?ref=a:refs/heads/b", "", "error not the name of a branch"},
		{"git::https://example.com/x?sshkey=a2V5", "", "error sshkey"},
		{"git::ssh://-oProxyCommand=id/x", "", "error"},
		{"git::ssh://-oProxyCommand=id@example.com/x", "", "error user"},
		{"git::https://example.com/", "", "error no repository"},
		{"git::--upload-pack=id", "", "error no source"},
		{"git::https://example.com/x.git//../../etc", "", "error leads out"},
		{"a/b/c//../..", "", "error leads out"},
		{"https://example.com/m?archive=rar", "", "error rar"},
		{"https://example.com/m.zip?checksum=12", "", "error checksum"},
		{"ftp://example.com/m.zip", "", "error ftp://"},
		{"/etc", "", "error no source"},
		{"file:///etc/m.zip", "", "error file://"},
		{"https://exa mple.com/m.zip", "", "error"},
		{"https://example.com\x00/m.zip", "", "error control"},
		{"a/b/c", "nonsense", "error version"},
	} {
		a, err := parseAddress(c.source, c.version)
		if want, bad := strings.CutPrefix(c.want, "error"); bad {
			if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
				t.Errorf("%q: the error is %v, want %q", c.source, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.source, err)
			continue
		}
		got := kinds[a.kind]
		if a.kind == fromRegistry {
			got += " " + a.host + " " + a.name
		} else {
			got += " " + a.url.String()
		}
		for _, part := range []struct{ lead, text string }{{" ", a.version.String()}, {" //", a.subdir}, {" ref=", a.ref}, {" archive=", a.archive}} {
			if part.text != "" {
				got += part.lead + part.text
			}
		}
		if got != c.want {
			t.Errorf("%q is\n%s, want\n%s", c.source, got, c.want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"a/b/c", "git::https://u:p@h.example/x//y?ref=z", "git@h:p", "tfr://h/a/b/c?version=1", "https://h/x.zip?checksum=md5:0"} {
		f.Add(s, "~> 1.0")
	}
	f.Fuzz(func(t *testing.T, s, version string) {
		a, err := parseAddress(s, version)
		if err != nil {
			return
		}
		if strings.HasPrefix(a.ref, "-") || strings.Contains("/"+a.subdir+"/", "/../") || a.kind != fromRegistry && a.url.Host == "" && a.url.Scheme != "file" {
			t.Errorf("%q is understood as %+v", s, a)
		}
		if a.kind == fromGit && strings.HasPrefix(a.url.String(), "-") {
			t.Errorf("%q gives git an option", s)
		}
	})
}

// TestConstraint chooses versions as Terraform does.
func TestConstraint(t *testing.T) {
	versions := []string{"0.9.0", "1.0.0", "1.2.0", "1.2.5", "1.10.0", "2.0.0-beta.2", "2.0.0", "3.0.0-rc1", "junk", "v1.3.0"}
	for constraint, want := range map[string]string{
		"":                  "2.0.0",
		"1.0.0":             "1.0.0",
		"= 1.2":             "1.2.0",
		"~> 1.2":            "1.10.0",
		"~> 1.2.0":          "1.2.5",
		"~> 1":              "2.0.0",
		">= 1.0, < 1.3":     "1.2.5",
		"> 1.2.5, != 2.0.0": "1.10.0",
		"<= 1.0":            "1.0.0",
		"3.0.0-rc1":         "3.0.0-rc1",
		">= 3.0.0-rc1":      "",
		"2.0.0-beta.2":      "2.0.0-beta.2",
		"> 9":               "",
	} {
		c, err := parseConstraint(constraint)
		if err != nil {
			t.Errorf("%s: %v", constraint, err)
			continue
		}
		if v, _ := c.newest(versions); v.text != want {
			t.Errorf("%q chooses %q, want %q", constraint, v.text, want)
		}
	}
	for _, bad := range []string{"1.x", "=> 1", "~>", "1.0.0.0", "^1.0", "1,,2"} {
		if c, err := parseConstraint(bad); err == nil {
			t.Errorf("%q is understood as %v", bad, c)
		}
	}
	order := []string{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"}
	for i := range order[1:] {
		a, _ := parseVersion(order[i])
		b, _ := parseVersion(order[i+1])
		if a.compare(b) >= 0 || b.compare(a) <= 0 {
			t.Errorf("%s is not before %s", order[i], order[i+1])
		}
	}
}
