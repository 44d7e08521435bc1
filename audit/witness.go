package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// algCosignature is the byte that C2SP gives to Ed25519 keys that sign a time along with a checkpoint.
const algCosignature = 4

// witness verifies cosignatures (https://c2sp.org/tlog-cosignature, cosignature/v1).
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// newWitness reads the public key of a witness: name+8 hex digits+base64 of the byte 4 and the Ed25519 key.
func newWitness(public string) (*witness, error) {
	bad := func() (*witness, error) {
		return nil, fmt.Errorf("%.100q is not the public key of a witness: name+hash+key, Ed25519 with the type 4 for cosignatures", public)
	}
	name, rest, _ := strings.Cut(public, "+")
	number, encoded, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != algCosignature || name == "" || strings.ContainsAny(name, " \n\t") {
		return bad()
	}
	w := &witness{name: name, hash: keyHash(name, key), key: key[1:]}
	if number != fmt.Sprintf("%08x", w.hash) {
		return bad()
	}
	return w, nil
}

// keyHash is the number of a key in signed notes.
func keyHash(name string, key []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(sum[:])
}

// Name is the witness's (note.Verifier).
func (w *witness) Name() string { return w.name }

// KeyHash is the number of its key (note.Verifier).
func (w *witness) KeyHash() uint32 { return w.hash }

// Verify checks a cosignature of a text (note.Verifier).
func (w *witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(w.key, cosigned(msg, binary.BigEndian.Uint64(sig)), sig[8:])
}

// cosigned is what a witness signs.
func cosigned(text []byte, at uint64) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(at, 10)+"\n"), text...)
}

// cosignatureTime reads the time in a cosignature that was verified.
func cosignatureTime(encoded string) (time.Time, error) {
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(b) != 4+8+ed25519.SignatureSize {
		return time.Time{}, errors.New("a cosignature without a time")
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[4:])), 0).UTC(), nil
}

// Witness is a signer of cosignatures, for an installation that watches another one, and for tests.
type Witness struct {
	witness
	private ed25519.PrivateKey
	now     func() time.Time
}

// NewWitness makes a witness from a seed of 32 bytes.
func NewWitness(name string, seed []byte, now func() time.Time) (*Witness, error) {
	if len(seed) != ed25519.SeedSize || name == "" || strings.ContainsAny(name, " \n\t+") {
		return nil, errors.New("a witness needs a name without spaces and plus signs, and a seed of 32 bytes")
	}
	private := ed25519.NewKeyFromSeed(seed)
	key := private.Public().(ed25519.PublicKey)
	return &Witness{witness: witness{name: name, hash: keyHash(name, append([]byte{algCosignature}, key...)), key: key}, private: private, now: now}, nil
}

// Public is the key that others know the witness by.
func (w *Witness) Public() string {
	return fmt.Sprintf("%s+%08x+%s", w.name, w.hash, base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, w.key...)))
}

// Sign cosigns a text (note.Signer).
func (w *Witness) Sign(text []byte) ([]byte, error) {
	at := uint64(w.now().Unix())
	return append(binary.BigEndian.AppendUint64(nil, at), ed25519.Sign(w.private, cosigned(text, at))...), nil
}

// Submission is the body of a request to a witness (https://c2sp.org/tlog-witness, add-checkpoint): the size that the witness
// has seen before, the proof from there, and the signed checkpoint.
func Submission(old int64, proof []tlog.Hash, signed []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	for _, h := range proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(signed)
	return b.Bytes()
}

// AddCosignatures puts the signature lines that a witness answered with under a signed checkpoint. It errs unless one of them is
// a cosignature of that witness; lines of other hands are dropped.
func AddCosignatures(signed, answer []byte, public, witnessKey string) ([]byte, error) {
	if len(answer) > maxNote {
		return nil, fmt.Errorf("the witness answered %d bytes", len(answer))
	}
	w, err := newWitness(witnessKey)
	if err != nil {
		return nil, err
	}
	if _, err := OpenCheckpoint(signed, public, nil); err != nil {
		return nil, err
	}
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	n, err := note.Open(slices.Concat(text, []byte("\n\n"), answer), note.VerifierList(w))
	if err != nil {
		return nil, fmt.Errorf("the answer of the witness %s has no cosignature of it: %w", w.name, err)
	}
	line := fmt.Sprintf("— %s %s\n", n.Sigs[0].Name, n.Sigs[0].Base64)
	if bytes.Contains(signed, []byte(line)) {
		return signed, nil
	}
	return append(slices.Clone(signed), line...), nil
}
