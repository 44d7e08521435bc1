package faults

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/seal"
)

// whole are sentences about the database that hold in every state that anybody can see. Each query counts what is wrong.
var whole = []struct{ what, query string }{
	{"findings that are there twice", "SELECT count(*) FROM (SELECT 1 FROM finding GROUP BY repository, fingerprint HAVING count(*) > 1) AS x"},
	{"findings whose events do not add up", `SELECT count(*) FROM (SELECT 1 FROM finding f LEFT JOIN event e ON e.finding = f.id GROUP BY f.id, f.status
HAVING sum(CASE WHEN e.kind = 'opened' THEN 1 ELSE 0 END) <> 1
OR sum(CASE WHEN e.kind = 'fixed' THEN 1 ELSE 0 END) - sum(CASE WHEN e.kind = 'reopened' THEN 1 ELSE 0 END) <> CASE WHEN f.status = 'fixed' THEN 1 ELSE 0 END) AS x`},
	{"commits that are there twice", "SELECT count(*) FROM (SELECT 1 FROM commit_result GROUP BY repository, sha HAVING count(*) > 1) AS x"},
	{"records of the audit log that are missing or too many", "SELECT abs((SELECT count(*) FROM audit_record) - (SELECT size FROM audit_head)) + abs((SELECT max(sequence) + 1 FROM audit_record) - (SELECT size FROM audit_head))"},
	{"comments without a record, or records without a comment", "SELECT abs((SELECT count(*) FROM event WHERE kind = 'commented') - (SELECT count(*) FROM audit_record WHERE action = 'finding.comment'))"},
	{"repositories without a record, or records without one", "SELECT abs((SELECT count(*) FROM repository) - (SELECT count(*) FROM audit_record WHERE action = 'repository.connect' OR action = 'report.upload' AND record LIKE '%\"connected\":true%'))"},
	{"muted findings whose last decision is no mute, or the other way round", `SELECT count(*) FROM finding f WHERE (f.status = 'muted') <>
(coalesce((SELECT e.kind FROM event e WHERE e.finding = f.id AND e.kind IN ('muted', 'restored', 'expired') ORDER BY e.id DESC LIMIT 1), '') = 'muted') AND f.status <> 'fixed'`},
	{"branches whose scanned commit has no result", `SELECT count(*) FROM branch b WHERE b.scanned <> '' AND NOT EXISTS (SELECT 1 FROM commit_result c WHERE c.repository = b.repository AND c.sha = b.scanned)`},
	{"uploads without a scan, or scans without their upload", `SELECT abs((SELECT count(*) FROM scan WHERE kind = 'upload') - (SELECT count(*) FROM commit_result c JOIN scan s ON s.id = c.scan WHERE s.kind = 'upload'))`},
}

// isWhole holds every sentence of whole, each on one state of the database.
func (s *site) isWhole(t *testing.T) {
	t.Helper()
	for _, w := range whole {
		if n, err := s.count(w.query); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", w.what, n, err)
		}
	}
}

// auditHolds proves the whole audit log as an auditor would: from its export alone. It returns how many records it has.
func (s *site) auditHolds(t *testing.T) int64 {
	t.Helper()
	ctx := context.Background()
	key, err := seal.ReadKeyFile(filepath.Join(s.data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := s.store.AuditLog(ctx, seal.NewRing(key), "faults")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := log.Export(ctx, &b, 0); err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(&b, audit.Trust{Key: log.Public})
	if err != nil {
		t.Fatalf("the audit log does not hold: %v", err)
	}
	return report.Records
}
