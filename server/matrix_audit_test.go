package server_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// unrecorded are the operations that change nothing which is recorded, with the reason. A table whose name is in the reason may change.
// Everything else that is not a GET must fail without its record.
var unrecorded = map[string]string{
	"preview-rule-setting": "it only counts",
	"begin-passkey":        "its challenge is kept with the session",
	"begin-registration":   "its challenge is kept with the session",
	"begin-app":            "the secret is kept with the session until a code shows that an app has it",
	"end-session":          "callers of the matrix have no cookie to lose",
}

// TestMatrixWithoutAudit calls every operation that changes something while nothing can be appended to the audit log: it is refused as
// the server's fault, and the database is afterwards what it was.
func TestMatrixWithoutAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := newMatrix(t, s)
		m.breakAudit(t)
		refused := 0
		for _, op := range m.operations {
			if op.method == http.MethodGet {
				continue
			}
			t.Run(op.ID, func(t *testing.T) {
				w := newWorld(t, s)
				who := role(access.Administrator)(w)
				a := m.arguments(t, op, w)
				before := m.tables(t)
				r := m.call(t, op, who, a)
				after := m.tables(t)
				if r.status < 300 && unrecorded[op.ID] == "" {
					t.Errorf("without an audit record it is answered with %d %s", r.status, r.body)
				}
				if r.status >= 500 {
					refused++
				}
				for table, rows := range before {
					if after[table] != rows && (unrecorded[op.ID] == "" || !strings.Contains(unrecorded[op.ID], table)) {
						t.Errorf("%d: %s changed without an audit record: %s", r.status, table, cmp.Diff(strings.Split(rows, "\n"), strings.Split(after[table], "\n")))
					}
				}
			})
		}
		if refused < 40 {
			t.Errorf("only %d operations were refused for want of a record: the others were not called as they should be", refused)
		}
	})
}

// breakAudit lets every append to the audit log fail.
func (m *matrix) breakAudit(t *testing.T) {
	t.Helper()
	queries := []string{"CREATE TRIGGER broken BEFORE INSERT ON audit_record BEGIN SELECT RAISE(ABORT, 'broken'); END"}
	if m.store.Engine == store.PostgreSQL {
		queries = []string{"CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END'",
			"CREATE TRIGGER broken BEFORE INSERT ON audit_record FOR EACH ROW EXECUTE FUNCTION broken()"}
	}
	if err := m.store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for _, q := range queries {
			if _, err := tx.NewRaw(q).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// fleeting are columns and tables that say who was here, not what was changed.
var fleeting = []string{"process", "sqlite_sequence", "goose_db_version", "idempotency"}

// tables is all that the database holds, by table.
func (m *matrix) tables(t *testing.T) map[string]string {
	t.Helper()
	ctx := context.Background()
	list := "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
	if m.store.Engine == store.PostgreSQL {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1"
	}
	var names []string
	if err := m.store.DB.NewRaw(list).Scan(ctx, &names); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range names {
		if slices.Contains(fleeting, name) {
			continue
		}
		rows, err := m.store.DB.DB.QueryContext(ctx, "SELECT * FROM "+name)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = &values[i]
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprint(values...))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines)
		out[name] = strings.Join(lines, "\n")
	}
	return out
}
