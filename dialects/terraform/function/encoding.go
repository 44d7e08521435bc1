package function

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
)

var base64EncodeFunc = textFunc("str", func(s string) (string, error) {
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
})

var base64DecodeFunc = textFunc("str", func(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("failed to decode base64 data: %w", err)
	}
	if !utf8.Valid(b) {
		return "", errors.New("the result of decoding the provided string is not valid UTF-8")
	}
	return string(b), nil
})

var base64GzipFunc = textFunc("str", func(s string) (string, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		return "", err
	}
	if err := w.Flush(); err != nil { // Terraform does so, and it can be seen in the bytes
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
})

// base64Gunzip stops unpacking after most bytes.
func base64Gunzip(most int) function.Function {
	return textFunc("str", func(s string) (string, error) {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return "", fmt.Errorf("failed to decode base64 data: %w", err)
		}
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return "", fmt.Errorf("failed to gunzip bytestream: %w", err)
		}
		out, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
		if err != nil {
			return "", fmt.Errorf("failed to gunzip bytestream: %w", err)
		}
		if len(out) > most {
			return "", tooLong(most)
		}
		if !utf8.Valid(out) {
			return "", errors.New("the unpacked text is not valid UTF-8")
		}
		return string(out), nil
	})
}

var urlEncodeFunc = textFunc("str", func(s string) (string, error) { return url.QueryEscape(s), nil })

var urlDecodeFunc = textFunc("str", func(s string) (string, error) {
	out, err := url.QueryUnescape(s)
	if err != nil {
		return "", fmt.Errorf("failed to decode URL: %w", err)
	}
	if !utf8.ValidString(out) {
		return "", errors.New("the decoded text is not valid UTF-8")
	}
	return out, nil
})

// charsetFunc makes a function of a text and the IANA name of a character encoding.
func charsetFunc(first string, f func(s string, e encoding.Encoding) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: first, Type: cty.String}, {Name: "encoding", Type: cty.String}},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[1].AsString()
			e, err := ianaindex.IANA.Encoding(name)
			if err != nil || e == nil {
				return cty.NilVal, function.NewArgErrorf(1, "%q is not a supported IANA encoding name or alias", clip(name))
			}
			out, err := f(args[0].AsString(), e)
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "not to be converted with %s: %w", name, err)
			}
			return cty.StringVal(out), nil
		},
	})
}

var textEncodeBase64Func = charsetFunc("string", func(s string, e encoding.Encoding) (string, error) {
	b, err := e.NewEncoder().Bytes([]byte(s))
	return base64.StdEncoding.EncodeToString(b), err
})

var textDecodeBase64Func = charsetFunc("source", func(s string, e encoding.Encoding) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", err
	}
	out, err := e.NewDecoder().Bytes(b)
	if err == nil && bytes.ContainsRune(out, utf8.RuneError) {
		err = errors.New("the text contains bytes that are not valid in this encoding")
	}
	return string(out), err
})
