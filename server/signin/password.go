package signin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image/png"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// Argon2id takes 32 MiB and about 60 ms; two at a time, so that strangers cannot take all memory.
const (
	argonMemory   = 32 << 10 // KiB
	argonTime     = 3
	argonAtOnce   = 2
	minPassword   = 12 // characters
	maxPassword   = 1000
	codeSeconds   = 30
	recoveryCodes = 10
)

// dummy is the password of nobody: guessing at an account that is none takes as long as at one that is.
var dummy = "$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func errPassword() error {
	return store.Refuse(store.Forbidden, "The address, the password or the code is wrong. A code of the app works once.")
}

// argon computes the hash of a password, when its turn comes.
func (s *Service) argon(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, argonTime, argonMemory, 1, 32), nil
}

// hashPassword makes the text that is kept of a password.
func (s *Service) hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never errs
	sum, err := s.argon(ctx, password, salt)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, argonMemory, argonTime, enc.EncodeToString(salt), enc.EncodeToString(sum)), nil
}

// isPassword tells whether a password is the one of which a text was kept.
func (s *Service) isPassword(ctx context.Context, password, kept string) (bool, error) {
	parts := strings.Split(kept, "$")
	if len(parts) != 6 || parts[3] != fmt.Sprintf("m=%d,t=%d,p=1", argonMemory, argonTime) {
		return false, fmt.Errorf("the hash of a password has a form that is not known: %d parts", len(parts))
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("read the hash of a password: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("read the hash of a password: %w", err)
	}
	got, err := s.argon(ctx, password, salt)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

// stepOf returns the step of time whose code is given, one of now and its neighbours, or 0.
func stepOf(secret []byte, code string, now time.Time) (step int64) {
	at := now.Unix() / codeSeconds
	for _, t := range []int64{at - 1, at, at + 1} {
		mac := hmac.New(sha1.New, secret)
		_ = binary.Write(mac, binary.BigEndian, t) // a hash never errs
		sum := mac.Sum(nil)
		n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff % 1000000
		if subtle.ConstantTimeCompare([]byte(fmt.Sprintf("%06d", n)), []byte(code)) == 1 {
			step = t
		}
	}
	return step
}

func secretPlace(person store.ID) seal.Place {
	return seal.Place{Kind: "password.secret", ID: person.String()}
}

// Password signs in who knows a password and has the app that goes with it, or one of its recovery codes.
func (s *Service) Password(ctx context.Context, email, password, code, request string) error {
	address := visitOf(ctx).address
	email = strings.ToLower(strings.TrimSpace(email))
	person, err := s.Store.PersonByEmail(ctx, email)
	if err != nil {
		return err
	}
	known, err := s.Store.KnownAddress(ctx, person, address)
	if err != nil {
		return err
	}
	from, account := network(address), Hash(email)
	// A stranger who guesses slows down all strangers at this account, but not its owner at a place where they were before.
	if now := s.Now(); !s.addresses.open(from, now) || !s.pairs.open(account+from, now) || !known && !s.accounts.open(account, now) {
		return errSlow()
	}
	kept, err := s.Store.Password(ctx, person)
	if err != nil {
		return err
	}
	secret, hash := make([]byte, 20), dummy
	if kept != nil && s.Seal != nil {
		if secret, err = s.Seal.Open(kept.Secret, secretPlace(person)); err != nil {
			return fmt.Errorf("open the secret of an app: %w", err)
		}
		hash = kept.Hash
	}
	right, err := s.isPassword(ctx, password, hash)
	if err != nil {
		return err
	}
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	step := stepOf(secret, code, s.Now())
	refused := func() error {
		s.addresses.fail(from, s.Now())
		s.pairs.fail(account+from, s.Now())
		s.accounts.fail(account, s.Now())
		return s.refuse(ctx, "password", email, request, errPassword())
	}
	if !right || kept == nil || s.Seal == nil {
		return refused()
	}
	taken := true
	err = s.arrive(ctx, arrival{person: person, method: "password", request: request, refused: refused}, func(ctx context.Context, tx *store.Tx) (err error) {
		if step != 0 {
			taken, err = tx.UseStep(ctx, person, step)
		} else {
			taken, err = tx.UseRecoveryCode(ctx, person, Hash(code))
		}
		if err == nil && !taken {
			err = errPassword()
		}
		return err
	})
	if !taken {
		return refused()
	}
	return err
}

// App is a new app of codes on its way to somebody: nothing counts before SetPassword.
type App struct {
	Secret  string `json:"secret" doc:"base 32, to type into an app"`
	Address string `json:"address" doc:"otpauth://…"`
	Image   string `json:"image" doc:"the address as a picture to take with an app, a data: URL"`
}

// BeginApp makes the secret of an app of codes.
func (s *Service) BeginApp(ctx context.Context, person store.ID, email string) (*App, error) {
	if err := s.own(ctx, person); err != nil {
		return nil, err
	}
	if s.Seal == nil {
		return nil, store.Refuse(store.Conflict, "This server has no master key, so it keeps no passwords.")
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Plumbline", AccountName: email, SecretSize: 20, Period: codeSeconds, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return nil, fmt.Errorf("make the secret of an app: %w", err)
	}
	picture, err := key.Image(240, 240)
	if err != nil {
		return nil, fmt.Errorf("draw the secret of an app: %w", err)
	}
	var image bytes.Buffer
	if err := png.Encode(&image, picture); err != nil {
		return nil, fmt.Errorf("draw the secret of an app: %w", err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key.Secret())
	if err != nil {
		return nil, fmt.Errorf("read the secret of an app: %w", err)
	}
	sealed, err := s.Seal.Seal(secret, secretPlace(person))
	if err != nil {
		return nil, fmt.Errorf("seal the secret of an app: %w", err)
	}
	s.sessions.Put(ctx, "app", base64.StdEncoding.EncodeToString(sealed))
	return &App{Secret: key.Secret(), Address: key.URL(), Image: "data:image/png;base64," + base64.StdEncoding.EncodeToString(image.Bytes())}, nil
}

// SetPassword gives somebody a password with the app of BeginApp, which has to have made a code. The recovery codes that it
// returns are shown once.
func (s *Service) SetPassword(ctx context.Context, entry store.Entry, person store.ID, password, code string) ([]string, error) {
	if err := s.own(ctx, person); err != nil {
		return nil, err
	}
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword || !utf8.ValidString(password) {
		return nil, store.Refuse(store.Invalid, "A password has at least %d characters. Which ones is up to you: four words are better than one with digits.", minPassword)
	}
	sealed, err := base64.StdEncoding.DecodeString(s.sessions.GetString(ctx, "app"))
	if err != nil || len(sealed) == 0 || s.Seal == nil {
		return nil, store.Refuse(store.Conflict, "Begin with the app: its secret is not known yet, or is from another sign-in.")
	}
	secret, err := s.Seal.Open(sealed, secretPlace(person))
	if err != nil {
		return nil, fmt.Errorf("open the secret of an app: %w", err)
	}
	step := stepOf(secret, strings.ReplaceAll(code, " ", ""), s.Now())
	if step == 0 {
		return nil, store.Refuse(store.Invalid, "The code is not the one that the app shows now. Check the clock of its device.")
	}
	hash, err := s.hashPassword(ctx, password)
	if err != nil {
		return nil, err
	}
	codes, hashes := make([]string, recoveryCodes), make([]string, recoveryCodes)
	for i := range codes {
		text := rand.Text()[:20] // 100 random bits
		codes[i], hashes[i] = text[:5]+"-"+text[5:10]+"-"+text[10:15]+"-"+text[15:], Hash(text)
	}
	err = s.Store.Write(ctx, entry, func(ctx context.Context, tx *store.Tx) error {
		return tx.SetPassword(ctx, store.Password{Person: person, Hash: hash, Secret: sealed, Step: step}, hashes)
	})
	if err != nil {
		return nil, err
	}
	s.sessions.Remove(ctx, "app")
	return codes, nil
}

// Forget removes a way to sign in of somebody who has signed in lately.
func (s *Service) Forget(ctx context.Context, entry store.Entry, person store.ID, do func(context.Context, *store.Tx) error) error {
	if err := s.own(ctx, person); err != nil {
		return err
	}
	return s.Store.Write(ctx, entry, do)
}
