package audit

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says what the log was at one time. Its text follows the checkpoints of C2SP (origin, size, root), with one line
// more for the time, so that witnesses that anybody runs can cosign it.
type Checkpoint struct {
	Origin string // the name of the log; of its key, too
	Size   int64  // records
	Root   tlog.Hash
	Time   time.Time // UTC, seconds
}

const checkpointTime = "2006-01-02T15:04:05Z"

// maxNote bounds a signed text: a checkpoint with a dozen cosignatures has some 2 KB.
const maxNote = 16 << 10

// NewKey makes the key of a log. The private one is a secret: it is sealed before it is kept. The public one is what people
// write down, to know the log by. The origin is a name without spaces and plus signs: plumbline.example.com/audit.
func NewKey(origin string) (private, public string, err error) {
	private, public, err = note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return "", "", fmt.Errorf("make the key of the audit log: %w", err)
	}
	if _, err := note.NewVerifier(public); err != nil {
		return "", "", fmt.Errorf("the name %q of the audit log: %w", origin, err)
	}
	return private, public, nil
}

// text is what is signed.
func (c Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\ntime " + c.Time.UTC().Format(checkpointTime) + "\n"
}

// Sign writes the checkpoint as a signed note. The origin must be the name of the key.
func (c Checkpoint) Sign(private string) ([]byte, error) {
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, errors.New("sign a checkpoint: the key of the audit log is not one") // the cause would show the key
	}
	if signer.Name() != c.Origin {
		return nil, fmt.Errorf("sign a checkpoint: the key is of %s, the checkpoint of %s", signer.Name(), c.Origin)
	}
	return note.Sign(&note.Note{Text: c.text()}, signer)
}

// parseCheckpoint reads a text and errs unless it is exactly what text writes.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 5 || lines[4] != "" {
		return Checkpoint{}, errors.New("a checkpoint has four lines")
	}
	var c Checkpoint
	var err error
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 {
		return Checkpoint{}, errors.New("the checkpoint's size is no number")
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return Checkpoint{}, errors.New("the checkpoint's root is no hash")
	}
	at, isTime := strings.CutPrefix(lines[3], "time ")
	if c.Time, err = time.Parse(checkpointTime, at); err != nil || !isTime {
		return Checkpoint{}, errors.New("the checkpoint has no time")
	}
	if c.text() != text {
		return Checkpoint{}, errors.New("the checkpoint is not spelled as checkpoints are")
	}
	return c, nil
}

// Signed is a checkpoint whose signature was verified, with those cosignatures that were.
type Signed struct {
	Checkpoint
	Cosigned []Cosigned
}

// Cosigned says that a witness had seen a checkpoint, and no contradiction to it.
type Cosigned struct {
	Witness string
	Time    time.Time // when the witness said so, by its own clock
}

// OpenCheckpoint verifies a signed checkpoint of the log with that public key, and the cosignatures of the witnesses whose keys
// are given. A signature of anybody else is ignored, a wrong one of a known witness is an error.
func OpenCheckpoint(signed []byte, public string, witnesses []string) (Signed, error) {
	s, _, err := openCheckpoint(signed, public, witnesses)
	return s, err
}

// openCheckpoint says also how many signatures are of unknown hands.
func openCheckpoint(signed []byte, public string, witnesses []string) (Signed, int, error) {
	v, err := openVerifiers(public, witnesses)
	if err != nil {
		return Signed{}, 0, err
	}
	return v.open(signed)
}

// verifiers are the keys that a log's checkpoints are verified with, read once.
type verifiers struct {
	log       note.Verifier
	witnesses []*witness
	list      note.Verifiers
}

func openVerifiers(public string, witnesses []string) (*verifiers, error) {
	log, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("the public key of the log: %w", err)
	}
	v := &verifiers{log: log}
	all := []note.Verifier{log}
	for _, key := range witnesses {
		w, err := newWitness(key)
		if err != nil {
			return nil, err
		}
		v.witnesses = append(v.witnesses, w)
		all = append(all, w)
	}
	v.list = note.VerifierList(all...)
	return v, nil
}

// open verifies a signed checkpoint.
func (v *verifiers) open(signed []byte) (Signed, int, error) {
	if len(signed) > maxNote {
		return Signed{}, 0, fmt.Errorf("a signed checkpoint of %d bytes", len(signed))
	}
	n, err := note.Open(signed, v.list)
	if err != nil {
		return Signed{}, 0, fmt.Errorf("the checkpoint is not signed by %s: %w", v.log.Name(), err)
	}
	if err := plainSignatures(n); err != nil {
		return Signed{}, 0, err
	}
	var s Signed
	own := false
	for _, sig := range n.Sigs {
		if sig.Name == v.log.Name() && sig.Hash == v.log.KeyHash() {
			own = true
			continue
		}
		at, err := cosignatureTime(sig.Base64)
		if err != nil {
			return Signed{}, 0, err
		}
		s.Cosigned = append(s.Cosigned, Cosigned{Witness: sig.Name, Time: at})
	}
	if !own {
		return Signed{}, 0, fmt.Errorf("the checkpoint is not signed by %s", v.log.Name())
	}
	if s.Checkpoint, err = parseCheckpoint(n.Text); err != nil {
		return Signed{}, 0, err
	}
	if s.Origin != v.log.Name() {
		return Signed{}, 0, fmt.Errorf("the checkpoint is of %s, the key of %s", s.Origin, v.log.Name())
	}
	return s, len(n.UnverifiedSigs), nil
}

// plainSignatures errs when a signature is spelled in another way than the one that encoders use: base64 has bits to spare, and
// a file of which no byte can be changed must not have any.
func plainSignatures(n *note.Note) error {
	for _, sig := range slices.Concat(n.Sigs, n.UnverifiedSigs) {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return errors.New("a signature is not spelled as signatures are")
		}
	}
	return nil
}

// KeyName is the name in a public key: of the log, or of a witness.
func KeyName(public string) (string, error) {
	name, _, ok := strings.Cut(public, "+")
	if !ok || name == "" || len(public) > 1<<10 {
		return "", errors.New("a public key is spelled name+number+key")
	}
	return name, nil
}
