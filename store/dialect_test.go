package store_test

import (
	"context"
	"testing"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// TestNUL holds that a NUL in a text is kept as something that is seen, and fails no query.
func TestNUL(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var got string
		if err := s.DB.NewRaw("SELECT CAST(? AS TEXT)", "a\x00'b\xff").Scan(context.Background(), &got); err != nil || got != "a\uFFFD'b\uFFFD" {
			t.Errorf("%q, %v", got, err)
		}
	})
}
