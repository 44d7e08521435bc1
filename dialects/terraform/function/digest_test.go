package function

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// openSSH writes a key as `ssh-keygen -N ""` does.
func openSSH(key *rsa.PrivateKey, cipher string) []byte {
	field := func(b ...[]byte) []byte {
		all := []byte(nil)
		for _, p := range b {
			all = append(all, p...)
		}
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(all))), all...)
	}
	number := func(n *big.Int) []byte { return field([]byte{0}, n.Bytes()) }
	var private []byte
	for _, p := range [][]byte{
		[]byte("check123"[:4]), []byte("check123"[:4]), field([]byte("ssh-rsa")),
		number(key.N), number(big.NewInt(int64(key.E))), number(key.D), number(key.Precomputed.Qinv), number(key.Primes[0]), number(key.Primes[1]),
		field([]byte("comment")),
	} {
		private = append(private, p...)
	}
	out := []byte("openssh-key-v1\x00")
	for _, p := range [][]byte{field([]byte(cipher)), field([]byte("none")), field(), {0, 0, 0, 1}, field([]byte("public")), field(private)} {
		out = append(out, p...)
	}
	return out
}

func TestRSADecrypt(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 what rsadecrypt is defined to read
	secret, err := rsa.EncryptPKCS1v15(rand.Reader, &key.PublicKey, []byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]cty.Value{"secret": cty.StringVal(base64.StdEncoding.EncodeToString(secret))}
	for typ, test := range map[string]struct {
		der  []byte
		want string // in the error, "" when there is to be none
	}{
		"RSA PRIVATE KEY":     {x509.MarshalPKCS1PrivateKey(key), ""},
		"PRIVATE KEY":         {pkcs8, ""},
		"OPENSSH PRIVATE KEY": {openSSH(key, "none"), ""},
		"EC PRIVATE KEY":      {pkcs8, "unsupported key type"},
	} {
		vars["key"] = cty.StringVal(string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: test.der})))
		v, err := evaluate(t, Options{}, "rsadecrypt(secret, key)", vars)
		switch {
		case test.want != "":
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %#v, %v", typ, v, err)
			}
		case err != nil || !v.RawEquals(cty.StringVal("message")):
			t.Errorf("%s: %#v, %v", typ, v, err)
		}
	}
	if _, err := openSSHKey(openSSH(key, "aes256-ctr")); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Errorf("a key with a passphrase: %v", err)
	}
	whole := openSSH(key, "none")
	for n := range whole[:len(whole)-20] { // cut anywhere, it is an error and no panic
		if _, err := openSSHKey(whole[:n]); err == nil {
			t.Errorf("the first %d bytes are a key", n)
		}
	}
}
