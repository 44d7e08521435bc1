package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// idLength is the length of a key's number in bytes: enough to tell a handful of keys apart.
const idLength = 4

// Key is a master key. Printed in any way it shows its number only. The zero value is none.
type Key struct {
	secret [32]byte
}

func (k Key) valid() bool { return k.secret != [32]byte{} }

// number tells keys apart and says nothing about them.
func (k Key) number() []byte {
	sum := sha256.Sum256(append([]byte("plumbline master key\x00"), k.secret[:]...))
	return sum[:idLength]
}

// ID is the number of the key as people see it: eight hexadecimal digits.
func (k Key) ID() string { return hex.EncodeToString(k.number()) }

// String hides the key.
func (k Key) String() string { return "master key " + k.ID() }

// GoString hides the key.
func (k Key) GoString() string { return k.String() }

// Format hides the key, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// MarshalText hides the key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// NewKey makes a key.
func NewKey() Key {
	var k Key
	rand.Read(k.secret[:])
	return k
}

// ParseKey reads a key: 32 bytes in base64 or in hexadecimal digits, with space around them. It refuses what nobody drew at
// random: zeros, patterns, texts. An error never shows the key.
func ParseKey(text []byte) (Key, error) {
	s := strings.TrimSpace(string(text))
	var b []byte
	var err error
	if len(s) == 64 {
		b, err = hex.DecodeString(s)
	} else {
		b, err = base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "=")))
	}
	if err != nil || len(b) != 32 {
		return Key{}, errors.New("the master key is not 32 bytes in base64 or hexadecimal digits: make one with `openssl rand -base64 32`")
	}
	if weak(b) {
		return Key{}, errors.New("the master key was not drawn at random, everybody could guess it: make one with `openssl rand -base64 32`")
	}
	return Key{secret: [32]byte(b)}, nil
}

// weak recognises keys that were typed or copied from an example. Of random keys it refuses fewer than one in 10^12.
func weak(b []byte) bool {
	distinct := map[byte]bool{}
	steps := map[byte]int{}
	printable := true
	for i, c := range b {
		distinct[c] = true
		printable = printable && c >= ' ' && c <= '~'
		if i > 0 {
			steps[c-b[i-1]]++
		}
	}
	most := 0
	for _, n := range steps {
		most = max(most, n)
	}
	return len(distinct) < 16 || printable || most > 12
}

// ReadKeyFile reads a key from a file that nobody but its owner may read. A file of another owner, as orchestrators mount them,
// may be readable for the group.
func ReadKeyFile(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Key{}, fmt.Errorf("read the master key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Key{}, fmt.Errorf("the master key %s is not a file", path)
	}
	forbidden := fs.FileMode(0o077)
	if !ours(info) {
		forbidden = 0o037
	}
	if info.Mode().Perm()&forbidden != 0 {
		return Key{}, fmt.Errorf("the master key %s can be read by others than its owner (mode %04o): chmod 600 it, and if others had the time to read it, make a new one and rotate", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return Key{}, fmt.Errorf("read the master key: %w", err)
	}
	defer clear(text)
	k, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// CreateKeyFile makes a key and writes it to a new file with the mode 0600, on disk before it returns: what is sealed with a key
// that a crash took is lost. It errs when the file is there already.
func CreateKeyFile(path string) (Key, error) {
	k := NewKey()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Key{}, fmt.Errorf("write the master key: %w", err)
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(k.secret[:]) + "\n")
	err = errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
	if err != nil {
		return Key{}, errors.Join(fmt.Errorf("write the master key: %w", err), os.Remove(path))
	}
	return k, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// commandTime is how long a command for the key may take.
const commandTime = 30 * time.Second

// KeyFromCommand runs a command and reads the key from what it prints: how a key service unwraps it. The line is split at spaces,
// with ' and " around words that have some; no shell sees it.
func KeyFromCommand(ctx context.Context, line string) (Key, error) {
	argv, err := split(line)
	if err != nil {
		return Key{}, fmt.Errorf("the command for the master key: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second
	var out, complaint bounded
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	defer clear(out.Bytes())
	if ctx.Err() != nil {
		return Key{}, fmt.Errorf("the command for the master key, %s, did not end in %s", argv[0], commandTime)
	}
	if err != nil {
		return Key{}, fmt.Errorf("the command for the master key, %s: %w: %.300s", argv[0], err, Redact(strings.TrimSpace(complaint.String())))
	}
	k, err := ParseKey(out.Bytes())
	if err != nil {
		return Key{}, fmt.Errorf("the command for the master key, %s: %w", argv[0], err)
	}
	return k, nil
}

// bounded keeps the first 4 KB of what is written to it.
type bounded struct{ bytes.Buffer }

// Write never fails.
func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, 4096-b.Len()))])
	return len(p), nil
}

// split cuts a line into words.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	begun := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a %c is not closed", quote)
	}
	if begun {
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("it is empty")
	}
	return words, nil
}
