package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/query"
	"plumbline.dev/plumbline/store"
)

// book is a catalogue of a few rules.
var book = store.Rulebook{
	"aws-s3-public-0": {Title: "Bucket answers strangers", Controls: map[string][]string{"cis-aws-3.0.0": {"2.1.1"}, "soc2": {"CC6.1"}}},
	"aws-ec2-open-0":  {Title: "Instance is open", Controls: map[string][]string{"soc2": {"CC6.6"}}},
}

// oracleRow is a finding as the database has it.
type oracleRow struct {
	ID                                                               store.ID
	Repository, Team, Assignee                                       store.ID
	Severity                                                         int
	Status, Outcome, Rule, Category, Provider, Dialect, ResourceType string
	Address, Unit, File, Message, MuteReason, IntroducedAuthor       string
	HasFix, OnDefault                                                bool
	FirstSeenAt, LastSeenAt, FixedAt, MuteUntil                      store.Millis
	RepositoryName, TeamName, Email                                  string
}

func oracleRows(t *testing.T, s *store.Store, organisation store.ID) (list []oracleRow) {
	t.Helper()
	err := s.DB.NewRaw(`SELECT f.id, f.repository, f.team, f.assignee, f.severity, f.status, f.outcome, f.rule, f.category, f.provider, f.dialect, f.resource_type, f.address, f.unit, f.file,
f.message, f.mute_reason, f.introduced_author, f.has_fix, f.on_default, f.first_seen_at, f.last_seen_at, f.fixed_at, f.mute_until, r.name AS repository_name,
coalesce((SELECT name FROM team WHERE id = f.team), '') AS team_name, coalesce((SELECT email FROM person WHERE id = f.assignee), '') AS email
FROM finding f JOIN repository r ON r.id = f.repository WHERE f.organisation = ? AND r.state <> 'removed' AND f.on_default = 1`, organisation).Scan(t.Context(), &list)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// oracles say by other means than the store which findings some queries mean.
var oracles = map[string]func(r *oracleRow, now time.Time) bool{
	"":                               func(*oracleRow, time.Time) bool { return true },
	"severity:high,critical":         func(r *oracleRow, _ time.Time) bool { return r.Severity >= 4 },
	"severity:>=medium":              func(r *oracleRow, _ time.Time) bool { return r.Severity >= 3 },
	"severity:<medium":               func(r *oracleRow, _ time.Time) bool { return r.Severity < 3 },
	"-severity:high":                 func(r *oracleRow, _ time.Time) bool { return r.Severity != 4 },
	"status:open":                    func(r *oracleRow, _ time.Time) bool { return r.Status == "open" },
	"-status:fixed,muted":            func(r *oracleRow, _ time.Time) bool { return r.Status == "open" },
	"verdict:undecided":              func(r *oracleRow, _ time.Time) bool { return r.Outcome == "undecided" },
	"rule:aws-s3-*":                  func(r *oracleRow, _ time.Time) bool { return strings.HasPrefix(r.Rule, "aws-s3-") },
	"category:encryption":            func(r *oracleRow, _ time.Time) bool { return r.Category == "encryption" },
	"provider:AWS dialect:terraform": func(r *oracleRow, _ time.Time) bool { return r.Provider == "aws" && r.Dialect == "terraform" },
	"type:aws_*":                     func(r *oracleRow, _ time.Time) bool { return strings.HasPrefix(r.ResourceType, "aws_") },
	"repo:payments/*":                func(r *oracleRow, _ time.Time) bool { return strings.HasPrefix(r.RepositoryName, "payments/") },
	"team:team-1":                    func(r *oracleRow, _ time.Time) bool { return r.TeamName == "team-1" },
	"team:none":                      func(r *oracleRow, _ time.Time) bool { return r.Team == 0 },
	"assignee:me":                    func(r *oracleRow, _ time.Time) bool { return r.Assignee == 1001 },
	"assignee:person-2@example.org":  func(r *oracleRow, _ time.Time) bool { return r.Email == "person-2@example.org" },
	"has:assignee":                   func(r *oracleRow, _ time.Time) bool { return r.Assignee != 0 },
	"has:fix -has:team":              func(r *oracleRow, _ time.Time) bool { return r.HasFix && r.Team == 0 },
	"file:modules":                   func(r *oracleRow, _ time.Time) bool { return strings.HasPrefix(r.File, "modules/") },
	"file:*_1.tf":                    func(r *oracleRow, _ time.Time) bool { return strings.HasSuffix(r.File, "_1.tf") },
	"unit:live/prod":                 func(r *oracleRow, _ time.Time) bool { return strings.HasPrefix(r.Unit, "live/prod/") },
	"reason:code,no-fix":             func(r *oracleRow, _ time.Time) bool { return r.MuteReason == "code" || r.MuteReason == "no-fix" },
	"is:new":                         func(r *oracleRow, now time.Time) bool { return now.Sub(r.FirstSeenAt.Time()) <= 7*24*time.Hour },
	"age:>30d":                       func(r *oracleRow, now time.Time) bool { return now.Sub(r.FirstSeenAt.Time()) > 30*24*time.Hour },
	"age:<=30d":                      func(r *oracleRow, now time.Time) bool { return now.Sub(r.FirstSeenAt.Time()) <= 30*24*time.Hour },
	"first-seen:<2026-10-01": func(r *oracleRow, _ time.Time) bool {
		return r.FirstSeenAt.Time().Before(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))
	},
	"first-seen:2026-11-20":       func(r *oracleRow, _ time.Time) bool { return r.FirstSeenAt.Time().Format("2006-01-02") == "2026-11-20" },
	"fixed:>2026-11-20":           func(r *oracleRow, _ time.Time) bool { return r.FixedAt.Time().Format("2006-01-02") > "2026-11-20" },
	"framework:soc2":              func(r *oracleRow, _ time.Time) bool { return r.Rule == "aws-s3-public-0" || r.Rule == "aws-ec2-open-0" },
	"control:CC6.1":               func(r *oracleRow, _ time.Time) bool { return r.Rule == "aws-s3-public-0" },
	"control:cis-aws-3.0.0/2.1.1": func(r *oracleRow, _ time.Time) bool { return r.Rule == "aws-s3-public-0" },
	"strangers":                   func(r *oracleRow, _ time.Time) bool { return r.Rule == "aws-s3-public-0" },
	"OPEN to":                     func(r *oracleRow, _ time.Time) bool { return r.has("open") && r.has("to") },
	`"attribute 3"`:               func(r *oracleRow, _ time.Time) bool { return strings.Contains(r.Message, "attribute 3") },
	"logs_1":                      func(r *oracleRow, _ time.Time) bool { return strings.Contains(r.Address+r.File, "logs_1") },
	"-public": func(r *oracleRow, _ time.Time) bool {
		return !strings.Contains(r.Rule+r.Address+r.File+r.Message, "public")
	},
	"author:\"author 7\"": func(r *oracleRow, _ time.Time) bool { return r.IntroducedAuthor == "Author 7" },
	"nothing has this":    func(*oracleRow, time.Time) bool { return false },
}

// has tells whether a word is in one of the texts that are searched.
func (r *oracleRow) has(word string) bool {
	return slices.ContainsFunc([]string{r.Message, r.Address, r.File, r.Rule, book[r.Rule].Title}, func(s string) bool { return strings.Contains(strings.ToLower(s), word) })
}

// ask makes the search of an administrator, or of who the change makes of it.
func ask(t testing.TB, organisation store.ID, text string) store.FindingSearch {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return store.FindingSearch{Scope: access.Scope{Organisation: int64(organisation), All: true}, Query: q, Me: 1001, Rules: book}
}

// TestFindings holds every kind of term against a judgement row by row, alone and in pairs, and the lists against a plain sort.
func TestFindings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 22, 12, 0, 30, 0, time.UTC)
		s.Now = func() time.Time { return now }
		now = now.Truncate(time.Minute)
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{3000, 300}, Now: now})
		organisation := made.Organisations[0]
		if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("UPDATE repository SET state = 'removed' WHERE id = ?", made.Repositories[0][2]).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		rows := oracleRows(t, s, organisation)
		texts := slices.Sorted(maps.Keys(oracles))
		random := rand.New(rand.NewPCG(3, 4))
		check := func(text string, fits func(*oracleRow, time.Time) bool) {
			var want []store.ID
			for i := range rows {
				if fits(&rows[i], now) {
					want = append(want, rows[i].ID)
				}
			}
			got, total, err := s.FindingIDs(t.Context(), ask(t, organisation, text), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(want)
			slices.Sort(got)
			if total != len(want) || !slices.Equal(got, want) {
				t.Errorf("%s: %d findings, want %d", text, total, len(want))
			}
		}
		pairs := make([]string, len(texts))
		for i := range pairs {
			pairs[i] = texts[random.IntN(len(texts))]
		}
		all := func() {
			for i, text := range texts {
				check(text, oracles[text])
				check(text+" "+pairs[i], func(r *oracleRow, now time.Time) bool { return oracles[text](r, now) && oracles[pairs[i]](r, now) })
			}
		}
		all()
		for range 2 { // what is known of the questions follows the changes
			change(t, s, organisation, random)
			rows = oracleRows(t, s, organisation)
			all()
		}
		for _, text := range []string{"", "severity:>=high status:open", "rule:aws-s3-*"} {
			for _, sorting := range []string{"", "-severity", "first-seen", "-first-seen", "last-seen", "rule", "-rule", "file", "repo", "-repo"} {
				want := listed(rows, oracles, text, sorting, now)
				var got []store.ID
				search := ask(t, organisation, text)
				for cursor := ""; ; {
					page, err := s.Findings(t.Context(), search, store.PageOf{Sort: sorting, Cursor: cursor, Limit: 97})
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range page.Items {
						got = append(got, f.ID)
					}
					if page.Total != len(want) {
						t.Fatalf("%s by %s: total %d, want %d", text, sorting, page.Total, len(want))
					}
					if cursor = page.Next; cursor == "" {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%q by %s is not in its order, or not complete: %d of %d", text, sorting, len(got), len(want))
				}
			}
		}
		var exported []store.ID
		if _, err := s.ExportFindings(t.Context(), ask(t, organisation, "severity:>=high status:open"), "rule", func(list []store.FindingRow) error {
			for _, f := range list {
				exported = append(exported, f.ID)
			}
			return nil
		}); err != nil || !slices.Equal(exported, listed(rows, oracles, "severity:>=high status:open", "rule", now)) {
			t.Errorf("the export is not the list: %d rows, %v", len(exported), err)
		}
		facetsAgree(t, s, organisation)
		groupsAgree(t, s, organisation)
	})
}

// change makes some findings others in many ways, and adds some.
func change(t *testing.T, s *store.Store, organisation store.ID, random *rand.Rand) {
	t.Helper()
	err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var revision int64
		if err := tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = ? RETURNING revision", organisation).Scan(ctx, &revision); err != nil {
			return err
		}
		for i, set := range []string{"severity = 6 - severity", "status = 'muted', mute_reason = 'no-fix'", "status = 'fixed', fixed_at = 1795305600000", "outcome = 'undecided'", "rule = 'aws-s3-new'", "rule = 'aws-ec2-open-0', category = 'encryption'",
			"provider = 'aws', dialect = 'terraform', resource_type = 'aws_quite_new'", "team = 0, assignee = 1001", "has_fix = 1 - has_fix", "file = 'modules/new_1.tf', unit = 'live/prod/new'", "on_default = 1 - on_default",
			"message = 'Something else: attribute 3', address = 'x.logs_1'", "first_seen_at = 1795305600000", "introduced_author = 'Author 7'"} {
			if _, err := tx.NewRaw("UPDATE finding SET "+set+", revision = ? WHERE organisation = ? AND id % 61 = ?", revision, organisation, random.IntN(61)).Exec(ctx); err != nil {
				return err
			}
			if _, err := tx.NewRaw("INSERT INTO finding SELECT id + ?, organisation, repository, fingerprint || ?, twin, rule, outcome, severity, base_severity, category, provider, dialect, resource_type, address, attribute, unit, file, line, message, team, has_fix, detail, status, 1, first_seen_at, last_seen_at, fixed_at, introduced_sha, introduced_author, introduced_at, fixed_sha, fixed_author, assignee, mute_reason, mute_comment, mute_until, mute_by, mute_at, CAST(? AS BIGINT) FROM finding WHERE organisation = ? AND id % 397 = ? AND id < ?",
				revision*100_000+int64(i)*5_000, fmt.Sprint(" ", revision, i), revision, organisation, i, organisation<<32+100_000).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// listed is what a list should be.
func listed(rows []oracleRow, oracles map[string]func(*oracleRow, time.Time) bool, text, sorting string, now time.Time) (ids []store.ID) {
	var list []oracleRow
	fits := oracles[text]
	if text == "severity:>=high status:open" {
		fits = func(r *oracleRow, _ time.Time) bool { return r.Severity >= 4 && r.Status == "open" }
	}
	for i := range rows {
		if fits(&rows[i], now) {
			list = append(list, rows[i])
		}
	}
	slices.SortFunc(list, func(a, b oracleRow) int {
		c := 0
		switch strings.TrimPrefix(sorting, "-") {
		case "", "severity":
			c = cmp.Or(b.Severity-a.Severity, cmp.Compare(b.LastSeenAt/1000, a.LastSeenAt/1000))
		case "first-seen":
			c = cmp.Compare(b.FirstSeenAt/1000, a.FirstSeenAt/1000)
		case "last-seen":
			c = cmp.Compare(b.LastSeenAt/1000, a.LastSeenAt/1000)
		case "rule":
			c = strings.Compare(a.Rule, b.Rule)
		case "file":
			c = strings.Compare(a.File, b.File)
		case "repo":
			c = strings.Compare(a.RepositoryName, b.RepositoryName)
		}
		if strings.HasPrefix(sorting, "-") {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(b.ID, a.ID))
	})
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids
}

// facetsAgree holds the promise of facets: each count is the total of the query with that term in place of its like.
func facetsAgree(t *testing.T, s *store.Store, organisation store.ID) {
	for _, text := range []string{"", "severity:high status:open", "repo:payments/* file:modules -rule:aws-s3-public-0", "framework:soc2", "team:none"} {
		search := ask(t, organisation, text)
		facets, err := s.Facets(t.Context(), search, store.FacetKeys, 7)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, f := range facets {
			if f.Counts != "findings" {
				continue
			}
			for _, v := range f.Values {
				seen++
				q := search.Query.Without(f.Key).String() + " " + v.Term
				n, err := s.CountFindings(t.Context(), ask(t, organisation, q))
				if err != nil {
					t.Fatal(err)
				}
				if n != v.Count {
					t.Errorf("%s: %s counts %d, and %s finds %d", text, v.Term, v.Count, q, n)
				}
			}
		}
		if seen < 20 {
			t.Errorf("%s: only %d values", text, seen)
		}
	}
}

// groupsAgree holds that each group is the total of the query with its term, and that together they are everything.
func groupsAgree(t *testing.T, s *store.Store, organisation store.ID) {
	for _, by := range store.GroupKeys {
		search := ask(t, organisation, "status:open")
		all, err := s.CountFindings(t.Context(), search)
		if err != nil {
			t.Fatal(err)
		}
		sum, groups, last := 0, map[string]bool{}, 1<<30
		for cursor := ""; ; {
			page, err := s.Groups(t.Context(), search, by, store.PageOf{Cursor: cursor, Limit: 40})
			if err != nil {
				t.Fatal(err)
			}
			for i, g := range page.Items {
				sum += g.Count
				if groups[g.Term] || by != "severity" && g.Count > last {
					t.Errorf("by %s: %s is there twice, or is not in order", by, g.Term)
				}
				groups[g.Term], last = true, g.Count
				if i < 5 {
					n, err := s.CountFindings(t.Context(), ask(t, organisation, "status:open "+g.Term))
					if err != nil {
						t.Fatal(err)
					}
					if n != g.Count {
						t.Errorf("by %s: %s counts %d, and its query finds %d", by, g.Term, g.Count, n)
					}
				}
			}
			if cursor = page.Next; cursor == "" {
				if page.Total != len(groups) {
					t.Errorf("by %s: %d groups came, %d are announced", by, len(groups), page.Total)
				}
				break
			}
		}
		if sum != all {
			t.Errorf("by %s: the groups have %d findings, there are %d", by, sum, all)
		}
	}
}

// TestFindings_scope holds that nobody counts, lists or names what is outside of their scope.
func TestFindings_scope(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{2000, 500}})
		for _, c := range []struct {
			name  string
			scope access.Scope
			where string
		}{
			{"a team", access.Scope{Organisation: 1, Teams: []int64{int64(made.Teams[0][0])}}, fmt.Sprintf("organisation = 1 AND team = %d", made.Teams[0][0])},
			{"a team in a repository", access.Scope{Organisation: 1, Teams: []int64{int64(made.Teams[0][1])}, Repository: int64(made.Repositories[0][1])}, fmt.Sprintf("organisation = 1 AND team = %d AND repository = %d", made.Teams[0][1], made.Repositories[0][1])},
			{"a foreign repository", access.Scope{Organisation: 1, All: true, Repository: int64(made.Repositories[1][0])}, "1 = 0"},
			{"another organisation", access.Scope{Organisation: 2, All: true}, "organisation = 2"},
		} {
			var want []store.ID
			if err := s.DB.NewRaw("SELECT id FROM finding WHERE on_default = 1 AND "+c.where).Scan(t.Context(), &want); err != nil {
				t.Fatal(err)
			}
			search := ask(t, 0, "")
			search.Scope = c.scope
			got, _, err := s.FindingIDs(t.Context(), search, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d findings, want %d", c.name, len(got), len(want))
			}
			facets, err := s.Facets(t.Context(), search, []string{"severity", "repo"}, 1000)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			for _, v := range facets[1].Values {
				sum += v.Count
			}
			if sum != len(want) {
				t.Errorf("%s: the repositories count %d, want %d", c.name, sum, len(want))
			}
		}
		search := ask(t, 0, "")
		search.Scope = access.Scope{}
		if _, err := s.Findings(t.Context(), search, store.PageOf{Limit: 5}); err == nil {
			t.Error("a scope that is nowhere sees something")
		}
		if _, err := s.Finding(t.Context(), access.Scope{Organisation: 1, All: true}, made.First[1], nil); faultKind(err) != store.NotFound {
			t.Errorf("a foreign finding: %v", err)
		}
	})
}

// TestFindings_fresh holds that the next question sees every change: new rows, changed rows, renamed and removed repositories.
func TestFindings_fresh(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return now }
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{500}, Now: now})
		count := func(text string) int {
			t.Helper()
			n, err := s.CountFindings(t.Context(), ask(t, 1, text))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		do := func(text string, args ...any) {
			t.Helper()
			if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = 1").Exec(ctx); err != nil {
					return err
				}
				_, err := tx.NewRaw(text, args...).Exec(ctx)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		all, critical := count(""), count("severity:critical")
		do("UPDATE finding SET severity = 5, file = 'quite/new.tf', on_default = 1, revision = (SELECT revision FROM organisation WHERE id = 1) WHERE id IN (SELECT id FROM finding WHERE severity < 5 AND on_default = 1 LIMIT 10)")
		if n := count("severity:critical"); n != critical+10 {
			t.Errorf("%d critical, want %d", n, critical+10)
		}
		if n := count("file:quite"); n != 10 {
			t.Errorf("%d in a new directory, want 10", n)
		}
		// Ids that come late are smaller than those that are there.
		do("INSERT INTO finding SELECT 7, organisation, repository, 'fresh', 't', 'fresh-rule', outcome, severity, base_severity, category, provider, dialect, resource_type, address, attribute, unit, file, line, message, team, has_fix, detail, 'open', 1, first_seen_at, last_seen_at, 0, introduced_sha, introduced_author, introduced_at, fixed_sha, fixed_author, assignee, '', mute_comment, 0, mute_by, mute_at, (SELECT revision FROM organisation WHERE id = 1) FROM finding WHERE id = ?", made.First[0])
		if n := count("rule:fresh-rule status:open"); n != 1 || count("") != all+1 || count("id:7") != 1 {
			t.Errorf("%d of a new rule, %d in all, want 1 and %d", n, count(""), all+1)
		}
		do("UPDATE finding SET status = 'fixed', revision = (SELECT revision FROM organisation WHERE id = 1) WHERE id = 7")
		if n := count("rule:fresh-rule status:open"); n != 0 {
			t.Errorf("a fixed finding is still open")
		}
		do("UPDATE repository SET name = 'new/name' WHERE id = ?", made.Repositories[0][0])
		n := count("repo:new/name")
		if n == 0 {
			t.Error("the new name of a repository is not known")
		}
		do("UPDATE repository SET state = 'removed' WHERE id = ?", made.Repositories[0][0])
		if got := count(""); got != all+1-n {
			t.Errorf("%d without a removed repository, want %d", got, all+1-n)
		}
		// What vanishes without a revision is noticed when it is to be shown.
		do("DELETE FROM finding WHERE id IN (SELECT id FROM finding WHERE on_default = 1 AND repository = ? LIMIT 3)", made.Repositories[0][1])
		before := count("")
		for cursor := ""; ; {
			page, err := s.Findings(t.Context(), ask(t, 1, ""), store.PageOf{Limit: 500, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if got := count(""); got != before-3 {
			t.Errorf("%d after three vanished, want %d", got, before-3)
		}
	})
}

// TestFindings_branch holds what a query with a branch means: what is or was there, with its status there.
func TestFindings_branch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{400}})
		repository := made.Repositories[0][0]
		var ids []store.ID
		if err := s.DB.NewRaw("SELECT id FROM finding WHERE repository = ? AND on_default = 1 AND mute_reason = '' ORDER BY id LIMIT 6", repository).Scan(t.Context(), &ids); err != nil {
			t.Fatal(err)
		}
		if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.NewRaw("UPDATE organisation SET revision = revision + 1").Exec(ctx); err != nil {
				return err
			}
			for i, id := range ids {
				state := "open"
				if i >= 3 {
					state = "fixed"
				}
				if _, err := tx.NewRaw("INSERT INTO presence (branch, finding, state, detail, file, line, since_sha, since_at, revision) VALUES (?, ?, ?, '', 'f', 1, 's', 1, 1)", 2*repository+1, id, state).Exec(ctx); err != nil {
					return err
				}
			}
			if _, err := tx.NewRaw("UPDATE finding SET status = 'fixed', revision = 2 WHERE id IN (?, ?)", ids[0], ids[1]).Exec(ctx); err != nil {
				return err
			}
			_, err := tx.NewRaw("UPDATE finding SET status = 'muted', mute_reason = 'other', revision = 2 WHERE id = ?", ids[2]).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string][]store.ID{
			"branch:develop":                         ids,
			"branch:develop status:open":             ids[:2],
			"branch:develop status:muted":            ids[2:3],
			"branch:develop status:fixed":            ids[3:],
			"branch:dev* status:open":                ids[:2],
			"branch:nowhere":                         nil,
			"branch:main branch:develop":             ids,
			"branch:main branch:develop status:open": ids[:2],
		} {
			got, _, err := s.FindingIDs(t.Context(), ask(t, 1, text), 1000)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if text == "branch:main branch:develop status:open" { // one that is open on either
				if !slices.Contains(got, ids[0]) {
					t.Errorf("%s: %v", text, got)
				}
				continue
			}
			if d := diff.Diff(slices.Clip(append([]store.ID(nil), want...)), append([]store.ID(nil), got...)); d != "" {
				t.Errorf("%s: %s", text, d)
			}
		}
		without, _, err := s.FindingIDs(t.Context(), ask(t, 1, "-branch:develop"), 1000)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			if slices.Contains(without, id) != (i >= 3) {
				t.Errorf("-branch:develop has finding %d: %v", i, i < 3)
			}
		}
		page, err := s.Findings(t.Context(), ask(t, 1, "branch:develop status:open"), store.PageOf{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Items {
			if f.Status != store.StatusOpen {
				t.Errorf("%s is %s on the branch", f.ID, f.Status)
			}
		}
		var n int
		if err := s.DB.NewRaw("SELECT count(*) FROM finding").Scan(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
		if got, err := s.CountFindings(t.Context(), ask(t, 1, "branch:*")); err != nil || got != n {
			t.Errorf("branch:* has %d, want %d: %v", got, n, err)
		}
	})
}

// TestFindings_tag holds that tags are those of the resource in its repository and unit.
func TestFindings_tag(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Fill(t, s, storetest.Crowd{Organisations: []int{400}})
		var on struct {
			Repository    store.ID
			Unit, Address string
		}
		if err := s.DB.NewRaw("SELECT repository, unit, address FROM finding WHERE on_default = 1 ORDER BY id LIMIT 1").Scan(t.Context(), &on); err != nil {
			t.Fatal(err)
		}
		var want int
		if err := s.DB.NewRaw("SELECT count(*) FROM finding WHERE on_default = 1 AND repository = ? AND unit = ? AND address = ?", on.Repository, on.Unit, on.Address).Scan(t.Context(), &want); err != nil {
			t.Fatal(err)
		}
		if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			tags := []store.ResourceTag{{Key: "Compliance", Value: "PCI-DSS", Known: true}, {Key: "Owner", Known: false}}
			_, err := tx.SaveSnapshot(ctx, store.Snapshot{Organisation: 1, Repository: on.Repository, SHA: "a", Resources: []store.SnapshotResource{
				{Unit: on.Unit, Address: on.Address, Tags: tags}, {Unit: "elsewhere", Address: on.Address, Tags: []store.ResourceTag{{Key: "Other", Value: "x", Known: true}}}}})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for text, n := range map[string]int{"tag:Compliance=PCI-DSS": want, "tag:compliance": want, "tag:Compliance=PCI-*": want, "tag:Owner": want, "tag:Owner=*": 0, "tag:Compliance=x": 0, "tag:Other": 0, "-tag:Compliance id:0": 0} {
			if got, err := s.CountFindings(t.Context(), ask(t, 1, text)); err != nil || got != n {
				t.Errorf("%s has %d, want %d: %v", text, got, n, err)
			}
		}
	})
}

// TestFindings_cursor holds that pages neither repeat nor lose what stays, when rows change between them.
func TestFindings_cursor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{600}})
		for _, sorting := range []string{"rule", "-rule", "severity", "file", "-repo"} {
			search := ask(t, 1, "")
			stay, _, err := s.FindingIDs(t.Context(), search, 10_000)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[store.ID]int{}
			next, pages := "", 0
			for {
				page, err := s.Findings(t.Context(), search, store.PageOf{Sort: sorting, Cursor: next, Limit: 50})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range page.Items {
					seen[f.ID]++
				}
				if next = page.Next; next == "" {
					break
				}
				if pages++; pages%2 == 0 { // the next page is made by a process that never knew what has gone
					store.Forget(s, 1)
				}
				// New rules and files sort in between; and the row of the cursor itself leaves.
				last := page.Items[len(page.Items)-1]
				stay = slices.DeleteFunc(stay, func(id store.ID) bool { return id == last.ID })
				if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					var revision int64
					if err := tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = 1 RETURNING revision").Scan(ctx, &revision); err != nil {
						return err
					}
					_, err := tx.NewRaw("UPDATE finding SET on_default = 0, rule = ?, file = ?, revision = ? WHERE id = ?", fmt.Sprintf("aws-m-%d", pages), fmt.Sprintf("live/m%d.tf", pages), revision, last.ID).Exec(ctx)
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			for _, id := range stay {
				if seen[id] != 1 {
					t.Fatalf("by %s: %s came %d times", sorting, id, seen[id])
				}
			}
			if pages < 5 {
				t.Fatalf("by %s: only %d pages", sorting, pages)
			}
		}
		for _, cursor := range []string{"x", "e30", "eyJzIjoicnVsZSIsImkiOjF9"} {
			if _, err := s.Findings(t.Context(), ask(t, 1, ""), store.PageOf{Cursor: cursor, Limit: 5}); faultKind(err) != store.Invalid {
				t.Errorf("the cursor %s is taken: %v", cursor, err)
			}
		}
		_ = made
	})
}

// faultKind is the kind of a refusal, "" for anything else.
func faultKind(err error) store.FaultKind {
	if fault, ok := errors.AsType[*store.Fault](err); ok {
		return fault.Kind
	}
	return ""
}
