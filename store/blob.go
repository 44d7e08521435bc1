package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/uptrace/bun"
)

// Rules of this file: large texts are kept once per content, compressed. Many small ones (details of findings) are packed, some
// dozens in one blob, because they compress well together and a row each would cost more than the text. A reference is either the
// hash of a blob, or for a text in a pack "hash.number.digest", whose digest tells whether a text changed without reading it.

const (
	maxBlob   = 64 << 20  // the most bytes that a blob unfolds to
	packBytes = 256 << 10 // the most bytes of a pack of several texts
)

var (
	// A window as large as a pack: a larger one only takes memory, for as long as the process lives.
	packer = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(packBytes), zstd.WithEncoderConcurrency(2))
	})
	unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxBlob), zstd.WithDecoderConcurrency(0))
	})
)

// digest is a name of content: 160 bits of its SHA-256 for blobs, 64 where only changes are to be seen.
func digest(content []byte, bytes int) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:bytes])
}

// Blob returns a text by its reference. One that is not there is NotFound.
func (s *Store) Blob(ctx context.Context, ref string) ([]byte, error) {
	return readBlob(ctx, s.DB, ref)
}

// Blob is Store.Blob inside of the transaction.
func (tx *Tx) Blob(ctx context.Context, ref string) ([]byte, error) { return readBlob(ctx, tx, ref) }

func readBlob(ctx context.Context, db bun.IDB, ref string) ([]byte, error) {
	hash, rest, packed := strings.Cut(ref, ".")
	var content []byte
	err := db.NewRaw("SELECT content FROM blob WHERE hash = ?", hash).Scan(ctx, &content)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, Refuse(NotFound, "the details are not kept any more: scan the repository again")
	case err != nil:
		return nil, fmt.Errorf("read a blob: %w", err)
	}
	d, err := unpacker()
	if err != nil {
		return nil, fmt.Errorf("read a blob: %w", err)
	}
	text, err := d.DecodeAll(content, nil)
	if err != nil {
		return nil, fmt.Errorf("unfold blob %s: %w", hash, err)
	}
	if !packed {
		return text, nil
	}
	number, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(number)
	var parts []json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &parts)
	}
	if err != nil || n < 0 || n >= len(parts) {
		return nil, fmt.Errorf("blob %s has no part %q: %w", hash, number, errors.Join(err))
	}
	return parts[n], nil
}

// blob is a blob that is to be kept.
type blob struct {
	hash    string
	content []byte // compressed
}

func newBlob(text []byte) (blob, error) {
	e, err := packer()
	if err != nil {
		return blob{}, fmt.Errorf("compress a blob: %w", err)
	}
	return blob{digest(text, 20), e.EncodeAll(text, nil)}, nil
}

// pack puts JSON texts into blobs, and returns their references in the order of the texts.
func pack(texts [][]byte) (refs []string, blobs []blob, err error) {
	const most = 64
	refs = make([]string, len(texts))
	var parts [][2]int // from, to
	for from := 0; from < len(texts); {
		to, size := from, 0
		for to < len(texts) && to-from < most && (to == from || size+len(texts[to]) <= packBytes) {
			size += len(texts[to])
			to++
		}
		parts = append(parts, [2]int{from, to})
		from = to
	}
	blobs = make([]blob, len(parts))
	errs := make([]error, len(parts))
	var working sync.WaitGroup
	turn := make(chan struct{}, 4)
	for i, p := range parts {
		turn <- struct{}{}
		working.Go(func() {
			defer func() { <-turn }()
			text := []byte{'['}
			for n := p[0]; n < p[1]; n++ {
				if n > p[0] {
					text = append(text, ',')
				}
				text = append(text, texts[n]...)
			}
			if blobs[i], errs[i] = newBlob(append(text, ']')); errs[i] != nil {
				return
			}
			for n := p[0]; n < p[1]; n++ {
				refs[n] = blobs[i].hash + "." + strconv.Itoa(n-p[0]) + "." + digest(texts[n], 8)
			}
		})
	}
	working.Wait()
	return refs, blobs, errors.Join(errs...)
}

// sameText tells whether a reference into a pack is to a text with this digest.
func sameText(ref, digest string) bool {
	return len(ref) > len(digest) && ref[len(ref)-len(digest)-1] == '.' && strings.HasSuffix(ref, digest)
}

// SaveBlob keeps a text and returns its reference; "" for an empty one.
func (tx *Tx) SaveBlob(ctx context.Context, text []byte) (string, error) {
	if len(text) == 0 {
		return "", nil
	}
	b, err := newBlob(text)
	if err != nil {
		return "", err
	}
	return b.hash, tx.saveBlobs(ctx, []blob{b})
}

// saveBlobs keeps blobs. Of those that are there already it is noted that somebody wants them, see PruneBlobs; on PostgreSQL their rows are
// locked until the transaction ends, noted or not.
func (tx *Tx) saveBlobs(ctx context.Context, blobs []blob) error {
	seen := make(map[string]bool, len(blobs))
	rows := make([][]any, 0, len(blobs))
	for _, b := range blobs {
		if !seen[b.hash] {
			seen[b.hash] = true
			rows = append(rows, []any{b.hash, b.content, tx.Now})
		}
	}
	return tx.each(ctx, "INSERT INTO blob (hash, content, made_at) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET made_at = excluded.made_at WHERE blob.made_at < excluded.made_at - "+strconv.FormatInt(blobNoted.Milliseconds(), 10), rows)
}
