package function

import (
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func digestFunc(h func() hash.Hash, encode func([]byte) string) function.Function {
	return textFunc("str", func(s string) (string, error) {
		sum := h()
		sum.Write([]byte(s))
		return encode(sum.Sum(nil)), nil
	})
}

var (
	md5Func          = digestFunc(md5.New, hex.EncodeToString)
	sha1Func         = digestFunc(sha1.New, hex.EncodeToString)
	sha256Func       = digestFunc(sha256.New, hex.EncodeToString)
	sha512Func       = digestFunc(sha512.New, hex.EncodeToString)
	base64SHA256Func = digestFunc(sha256.New, base64.StdEncoding.EncodeToString)
	base64SHA512Func = digestFunc(sha512.New, base64.StdEncoding.EncodeToString)
)

// bcryptFunc is unknown because the salt differs each time.
var bcryptFunc = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "str", Type: cty.String}},
	VarParam:     &function.Parameter{Name: "cost", Type: cty.Number},
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		return cty.UnknownVal(want), nil
	},
})

var uuidFunc = unknownText

// unknownText is a function without arguments whose answer no two runs share.
var unknownText = function.New(&function.Spec{
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(_ []cty.Value, want cty.Type) (cty.Value, error) {
		return cty.UnknownVal(want), nil
	},
})

// namespaces are the ones that RFC 4122 appendix C names; they differ in one byte.
var namespaces = map[string]string{
	"dns":  "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	"url":  "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
	"oid":  "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
	"x500": "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
}

var uuidV5Func = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "namespace", Type: cty.String}, {Name: "name", Type: cty.String}},
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		space := args[0].AsString()
		if known, ok := namespaces[space]; ok {
			space = known
		}
		id, ok := parseUUID(space)
		if !ok {
			return cty.NilVal, function.NewArgErrorf(0, "%q is neither a namespace nor a UUID", clip(space))
		}
		sum := sha1.Sum(append(id, args[1].AsString()...))
		b := sum[:16]
		b[6] = b[6]&0x0f | 5<<4 // version 5
		b[8] = b[8]&0x3f | 0x80 // the variant of RFC 4122
		return cty.StringVal(fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])), nil
	},
})

// parseUUID reads the usual form, also bare hexadecimal, in braces or after urn:uuid:.
func parseUUID(s string) ([]byte, bool) {
	if len(s) == 45 && strings.EqualFold(s[:9], "urn:uuid:") {
		s = s[9:]
	}
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) == 36 {
		if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
			return nil, false
		}
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) == 16
}

var rsaDecryptFunc = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "ciphertext", Type: cty.String}, {Name: "privatekey", Type: cty.String}},
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		secret, err := base64.StdEncoding.DecodeString(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "failed to decode input: cipher text must be base64-encoded")
		}
		key, err := rsaKey(args[1].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		//lint:ignore SA1019 rsadecrypt is PKCS #1 v1.5 by definition, and decrypts here what the code already holds
		out, err := rsa.DecryptPKCS1v15(nil, key, secret)
		if err != nil {
			return cty.NilVal, fmt.Errorf("failed to decrypt: %w", err)
		}
		return cty.StringVal(string(out)), nil
	},
})

// rsaKey reads an RSA private key without a passphrase. Errors never quote the key.
func rsaKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("failed to parse key: no key found")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("failed to parse key: this private key is passphrase protected")
		}
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("failed to parse key: invalid PKCS#1 data")
		}
		return key, nil
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("failed to parse key: invalid PKCS#8 data")
		}
		if key, ok := parsed.(*rsa.PrivateKey); ok {
			return key, nil
		}
		return nil, errors.New("invalid private key type: an RSA key is needed")
	case "OPENSSH PRIVATE KEY":
		return openSSHKey(block.Bytes)
	}
	return nil, fmt.Errorf("failed to parse key: unsupported key type %q", clip(block.Type))
}

// openSSHKey reads the format of OpenSSH's PROTOCOL.key: a magic, cipher, key derivation and its options, the number of
// keys, the public key, and a private section with two equal check numbers, the type and the numbers n e d iqmp p q.
func openSSHKey(b []byte) (*rsa.PrivateKey, error) {
	bad := errors.New("failed to parse key: invalid OpenSSH data")
	rest, ok := strings.CutPrefix(string(b), "openssh-key-v1\x00")
	if !ok {
		return nil, bad
	}
	next := func() string {
		if len(rest) < 4 || uint64(len(rest)-4) < uint64(binary.BigEndian.Uint32([]byte(rest))) {
			ok, rest = false, ""
			return ""
		}
		n := 4 + int(binary.BigEndian.Uint32([]byte(rest)))
		field := rest[4:n]
		rest = rest[n:]
		return field
	}
	skip := func(n int) string {
		if len(rest) < n {
			ok, rest = false, ""
			return ""
		}
		skipped := rest[:n]
		rest = rest[n:]
		return skipped
	}
	cipher, derivation := next(), next()
	next()
	count := skip(4)
	next()
	rest = next()
	if !ok || count != "\x00\x00\x00\x01" {
		return nil, bad
	}
	if cipher != "none" || derivation != "none" {
		return nil, errors.New("failed to parse key: this private key is passphrase protected")
	}
	if check := skip(4); check != skip(4) {
		return nil, bad
	}
	if next() != "ssh-rsa" {
		return nil, errors.New("invalid private key type: an RSA key is needed")
	}
	number := func() *big.Int { return new(big.Int).SetBytes([]byte(next())) }
	n, e, d, _, p, q := number(), number(), number(), number(), number(), number()
	if !ok || !e.IsInt64() {
		return nil, bad
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q}}
	if err := key.Validate(); err != nil {
		return nil, bad
	}
	key.Precompute()
	return key, nil
}
