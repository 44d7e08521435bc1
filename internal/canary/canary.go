// Package canary makes secrets that are none, one of each known form, for tests that look where secrets end up. They are put
// together when a test runs, so that no scanner takes this file for a leak.
package canary

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// Secret is one of them.
type Secret struct {
	Kind string
	Text string // as it would stand in a log
	Part string // the part of it that must be nowhere
}

// All makes forty-two. The seed tells the secrets of one test from those of another; it is letters and digits.
func All(seed string) []Secret {
	// Each is as random as a real one, but always the same. None has 0, 1, 8 or 9, which ids of AWS do not have.
	made := 0
	w := func(n int) string {
		made++
		text := "C4n4ry" + seed
		for i := 0; len(text) < n; i++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", seed, made, i))
			text += strings.NewReplacer("0", "2", "1", "3", "8", "4", "9", "5", "-", "a", "_", "B").Replace(base64.RawURLEncoding.EncodeToString(sum[:]))
		}
		return text[:n]
	}
	hexes := strings.Repeat("c4ea7", 20)
	whole := func(kind, text string) Secret { return Secret{kind, text, text} }
	jwt := "ey" + "J" + base64.RawURLEncoding.EncodeToString([]byte(`"alg":"RS256","kid":"`+w(6)+`"`)) + "." + w(40) + "." + w(43)
	named := func(kind, before, secret, after string) Secret { return Secret{kind, before + secret + after, secret} }
	return []Secret{
		whole("own token", "plb_"+w(40)), whole("github classic", "gh"+"p_"+w(36)), whole("github oauth", "gh"+"o_"+w(36)),
		whole("github app", "gh"+"s_"+w(36)), whole("github app with a jwt", "gh"+"s_1_"+jwt), whole("github refresh", "gh"+"r_"+w(60)),
		whole("github fine-grained", "github"+"_pat_"+w(60)), whole("gitlab", "gl"+"pat-"+w(20)), whole("gitlab deploy", "gl"+"dt-"+w(20)),
		whole("slack bot", "xo"+"xb-123456789012-"+w(24)), whole("slack app", "xa"+"pp-1-"+w(30)),
		named("slack webhook", "https://hooks.slack"+".com/services/", "T000/B000/"+w(24), ""),
		whole("aws key id", "AK"+"IA"+strings.ToUpper(w(16))), named("aws secret", "aws_secret_access_key = ", w(40), ""),
		whole("google api", "AI"+"za"+w(35)), whole("google oauth", "ya"+"29."+w(40)), whole("stripe", "sk"+"_live_"+w(24)),
		whole("openai", "sk"+"-proj-"+w(40)), whole("anthropic", "sk"+"-ant-"+w(40)), whole("npm", "np"+"m_"+w(36)),
		whole("pypi", "py"+"pi-AgEI"+w(40)), whole("docker", "dckr"+"_pat_"+w(27)), whole("digitalocean", "dop"+"_v1_"+hexes[:64]),
		whole("vault", "hv"+"s."+w(24)), whole("hcp terraform", w(14)+".atlas"+"v1."+w(60)), whole("atlassian", "ATA"+"TT3"+w(60)),
		whole("sendgrid", "S"+"G."+w(22)+"."+w(43)), whole("databricks", "da"+"pi"+hexes[:32]), whole("grafana", "gl"+"sa_"+w(32)), whole("jwt", jwt),
		named("bearer", "Bearer ", w(32), ""), named("basic", "Authorization: Basic ", base64.StdEncoding.EncodeToString([]byte("u:"+w(20))), ""),
		named("address with password", "https://user:", w(20), "@git.example.com/a.git"), named("address with token", "https://", w(32), "@git.example.com/a.git"),
		named("database", "postgres://plumbline:", w(20), "@db:5432/p"), named("libpq", "host=db user=p password=", w(20), " dbname=p"),
		named("json", `{"client_secret":"`, w(20), `"}`), named("yaml", "dbPassword: ", w(20), ""), named("cookie", "Cookie: ", "session="+w(32), ""),
		named("query", "https://login.example.com/cb?code=", w(32), "&state=x"), named("power automate", "https://x.logic.azure.com/w?sig=", w(43), ""),
		named("pem", "-----BEGIN RSA PRIVATE "+"KEY-----\n", w(64), "\n-----END RSA PRIVATE "+"KEY-----"),
		named("log key", "PRIVATE"+"+KEY+", "plumbline.example.com/audit+c74f20a3+"+w(44), ""),
	}
}
