// Package seal keeps secrets at rest: credentials of repositories, secrets of authenticator apps, addresses of webhooks, the key
// of the audit log. It knows no database; what it makes are bytes for a column.
//
// Each value has a key of its own, which the master key wraps (XChaCha20-Poly1305 both times). A value is bound to its place, the
// row it belongs to: moved to another row it does not open. The number of the master key is in front, so that values of an old
// key open while they are wrapped anew with the current one.
//
// The package also knows what secrets look like in text, to keep them out of logs (Redact).
package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Place is the row that a sealed value belongs to.
type Place struct {
	Kind string // of the row and column: repository.credential
	ID   string // of the row
}

// bytes are the associated data: no two places give the same ones.
func (p Place) bytes() []byte {
	b := append([]byte("plumbline sealed 1\x00"), binary.BigEndian.AppendUint32(nil, uint32(len(p.Kind)))...)
	b = append(b, p.Kind...)
	return append(b, p.ID...)
}

// A sealed value is: version, number of the master key, nonce and wrapped key of the value, nonce and sealed value.
const (
	version     = 1
	headLength  = 1 + idLength
	wrapLength  = chacha20poly1305.NonceSizeX + chacha20poly1305.KeySize + chacha20poly1305.Overhead
	valueLength = chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// MaxValue is the longest value in bytes.
const MaxValue = 1 << 20

// ErrKey is that a value was sealed with a master key that is not at hand.
var ErrKey = errors.New("it was sealed with another master key")

// ErrBroken is that a value was changed, cut, or belongs to another row.
var ErrBroken = errors.New("the sealed value was changed or belongs to another row")

// Ring is the master key in use and those that came before it. Its zero value opens and seals nothing.
type Ring struct {
	current Key
	old     []Key
}

// NewRing makes a ring; old keys open, only the current one seals.
func NewRing(current Key, old ...Key) *Ring { return &Ring{current: current, old: old} }

// Current is the number of the key that seals.
func (r *Ring) Current() string { return r.current.ID() }

// Seal hides a value; nothing but its length is to be learned from the result.
func (r *Ring) Seal(value []byte, at Place) ([]byte, error) {
	if !r.current.valid() {
		return nil, errors.New("seal a value: there is no master key")
	}
	if len(value) > MaxValue {
		return nil, fmt.Errorf("seal a value of %d bytes: %d are the most", len(value), MaxValue)
	}
	key := make([]byte, chacha20poly1305.KeySize)
	rand.Read(key)
	defer clear(key)
	out := make([]byte, 0, headLength+wrapLength+valueLength+len(value))
	out = append(out, version)
	out = append(out, r.current.number()...)
	out = encrypt(out, r.current.secret[:], key, out[:headLength:headLength])
	return encrypt(out, key, value, at.bytes()), nil
}

// Open returns a value that was sealed for the same place. Errors are ErrKey and ErrBroken.
func (r *Ring) Open(sealed []byte, at Place) ([]byte, error) {
	key, err := r.unwrap(sealed)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return decrypt(key, sealed[headLength+wrapLength:], at.bytes())
}

// Stale reports whether a value is wrapped with a key that is no longer the current one.
func (r *Ring) Stale(sealed []byte) bool {
	return len(sealed) < headLength || string(sealed[1:headLength]) != string(r.current.number())
}

// Rewrap wraps the key of a value with the current master key, without opening the value itself; what is current already comes
// back as it is. The result belongs to the same place.
func (r *Ring) Rewrap(sealed []byte) ([]byte, error) {
	key, err := r.unwrap(sealed)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if !r.Stale(sealed) {
		return sealed, nil
	}
	out := make([]byte, 0, len(sealed))
	out = append(out, version)
	out = append(out, r.current.number()...)
	out = encrypt(out, r.current.secret[:], key, out[:headLength:headLength])
	return append(out, sealed[headLength+wrapLength:]...), nil
}

// unwrap returns the key of a value.
func (r *Ring) unwrap(sealed []byte) ([]byte, error) {
	if len(sealed) < headLength+wrapLength+valueLength || sealed[0] != version {
		return nil, ErrBroken
	}
	for _, k := range append([]Key{r.current}, r.old...) {
		if k.valid() && string(k.number()) == string(sealed[1:headLength]) {
			return decrypt(k.secret[:], sealed[headLength:headLength+wrapLength], sealed[:headLength])
		}
	}
	return nil, ErrKey
}

func aead(key []byte) cipher.AEAD {
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err) // a key of another length is a mistake in this package
	}
	return a
}

// encrypt appends a nonce and the sealed value.
func encrypt(out, key, value, place []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(nonce)
	return aead(key).Seal(append(out, nonce...), nonce, value, place)
}

func decrypt(key, sealed, place []byte) ([]byte, error) {
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, ErrBroken
	}
	value, err := aead(key).Open(nil, sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:], place)
	if err != nil {
		return nil, ErrBroken
	}
	return value, nil
}
