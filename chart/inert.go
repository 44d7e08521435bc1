package chart

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// never is the time that templates see: no two scans may differ.
var never = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// certificate is what the functions that make certificates return.
type certificate struct {
	Cert string
	Key  string
}

// inert returns what stands in the place of functions that would differ from run to run, or take long: random text, keys and
// certificates, the time. What they return is known to be Made.
func (r *renderer) inert(f map[string]any) map[string]any {
	text := func(sample string, n int) (string, error) {
		if n < 0 || n > r.limits.ValueBytes {
			return "", r.exceeded("a random text of %d signs is asked for", n)
		}
		return r.made(strings.Repeat(sample, n/len(sample)+1)[:n]), nil
	}
	random := func(sample string) func(int) (string, error) {
		return func(n int) (string, error) { return text(sample, n) }
	}
	key := r.made("-----BEGIN RSA PRIVATE KEY-----\nbWFkZSBhbmV3IGVhY2ggdGltZQ==\n-----END RSA PRIVATE KEY-----\n")
	cert := certificate{r.made("-----BEGIN CERTIFICATE-----\nbWFkZSBhbmV3IGVhY2ggdGltZQ==\n-----END CERTIFICATE-----\n"), key}
	inZone := f["dateInZone"].(func(string, any, string) string)
	date := func(layout string, date any, zone string) string {
		switch date.(type) {
		case time.Time, *time.Time, int64, int, int32:
		default:
			date = never
		}
		if zone == "Local" {
			zone = "UTC"
		}
		return inZone(layout, date, zone)
	}
	return map[string]any{
		"randAlphaNum": random("x0"), "randAlpha": random("x"), "randAscii": random("x"), "randNumeric": random("0"),
		"randBytes": func(n int) (string, error) {
			s, err := text("x", n)
			return r.made(base64.StdEncoding.EncodeToString([]byte(unmarked(s)))), err
		},
		"randInt": func(low, high int) int { return low },
		"shuffle": func(s string) string { return s },
		"uuidv4":  func() string { return r.made("00000000-0000-4000-8000-000000000000") },

		"genPrivateKey":  func(string) string { return key },
		"derivePassword": func(uint32, string, string, string, string) string { return r.made("x") },
		"bcrypt":         func(string) string { return r.made("$2a$10$" + strings.Repeat("x", 53)) },
		"htpasswd": func(user, _ string) string {
			return r.made(user + ":$2a$10$" + strings.Repeat("x", 53))
		},
		"genCA":                    func(string, int) certificate { return cert },
		"genCAWithKey":             func(string, int, string) certificate { return cert },
		"genSelfSignedCert":        func(string, []any, []any, int) certificate { return cert },
		"genSelfSignedCertWithKey": func(string, []any, []any, int, string) certificate { return cert },
		"genSignedCert":            func(string, []any, []any, int, certificate) certificate { return cert },
		"genSignedCertWithKey":     func(string, []any, []any, int, certificate, string) certificate { return cert },
		"buildCustomCert": func(c, k string) (certificate, error) {
			cert, err := base64.StdEncoding.DecodeString(c)
			key, err2 := base64.StdEncoding.DecodeString(k)
			if err != nil || err2 != nil {
				return certificate{}, fmt.Errorf("the certificate and its key must be in base64")
			}
			return certificate{string(cert), string(key)}, nil
		},
		"encryptAES": func(string, string) string { return r.made("eA==") },

		"now":            func() time.Time { return never },
		"ago":            func(any) string { return "0s" },
		"date":           func(layout string, d any) string { return date(layout, d, "UTC") },
		"dateInZone":     date,
		"date_in_zone":   date,
		"htmlDate":       func(d any) string { return date("2006-01-02", d, "UTC") },
		"htmlDateInZone": func(d any, zone string) string { return date("2006-01-02", d, zone) },
	}
}

// made marks a text as one that is made anew each time.
func (r *renderer) made(s string) string {
	if !r.marks {
		return s
	}
	r.origins = append(r.origins, &Origin{Block: -1, Made: true})
	return marked(s, len(r.origins)-1)
}
