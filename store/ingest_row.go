package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/finding"
)

// row is a row of finding, as far as ingest reads and writes it.
type row struct {
	ID               ID
	Fingerprint      string
	Twin             string
	Rule             string
	Outcome          string
	Severity         int64
	BaseSeverity     int64
	Category         string
	Provider         string
	Dialect          string
	ResourceType     string
	Address          string
	Attribute        string
	Unit             string
	File             string
	Line             int64
	Message          string
	Team             ID
	HasFix           bool
	Detail           string
	Status           Status
	OnDefault        bool
	FirstSeenAt      Millis
	LastSeenAt       Millis
	FixedAt          Millis
	IntroducedSHA    string `bun:"introduced_sha"`
	IntroducedAuthor string
	IntroducedAt     Millis
	FixedSHA         string `bun:"fixed_sha"`
	FixedAuthor      string
	MuteReason       Reason
	MuteComment      string
	MuteUntil        Millis
	MuteBy           string
	MuteAt           Millis

	added, dirty bool
}

const rowColumns = "id, fingerprint, twin, rule, outcome, severity, base_severity, category, provider, dialect, resource_type, address, attribute, unit, file, line, message, " +
	"team, has_fix, detail, status, on_default, first_seen_at, last_seen_at, fixed_at, introduced_sha, introduced_author, introduced_at, fixed_sha, fixed_author, " +
	"mute_reason, mute_comment, mute_until, mute_by, mute_at"

// most is how many values a list in a query has at most.
const most = 1000

// load reads the rows that a result touches.
func (g *ingest) load(ctx context.Context, arrivals []arrival, gone []*held) error {
	var ids []ID
	for _, a := range arrivals {
		if a.id != 0 && g.rows[a.id] == nil {
			ids = append(ids, a.id)
		}
	}
	for _, h := range gone {
		if g.rows[h.Finding] == nil {
			ids = append(ids, h.Finding)
		}
	}
	slices.Sort(ids)
	for part := range slices.Chunk(slices.Compact(ids), most) {
		var list []*row
		if err := g.NewRaw("SELECT "+rowColumns+" FROM finding WHERE id IN (?)", bun.List(part)).Scan(ctx, &list); err != nil {
			return fmt.Errorf("read findings: %w", err)
		}
		for _, f := range list {
			g.rows[f.ID] = f
		}
	}
	if (len(arrivals) > 0 || len(gone) > 0) && g.rules == nil {
		var err error
		if g.rules, err = g.RuleSettings(ctx, g.organisation); err != nil {
			return err
		}
		if g.owners, err = g.Tx.owners(ctx, g.organisation); err != nil {
			return err
		}
	}
	return nil
}

// byName finds rows of the repository by any name that they have or had.
func (g *ingest) byName(ctx context.Context, asked []string) (map[string]ID, error) {
	out := make(map[string]ID, len(asked))
	read := func(names map[string]ID, query string) error {
		for part := range slices.Chunk(asked, most) {
			var list []struct {
				Fingerprint string
				ID          ID
			}
			if err := g.NewRaw(query, g.Repository, bun.List(part)).Scan(ctx, &list); err != nil {
				return fmt.Errorf("recognise findings: %w", err)
			}
			for _, l := range list {
				out[l.Fingerprint] = l.ID
				names[l.Fingerprint] = l.ID
			}
		}
		return nil
	}
	if err := read(map[string]ID{}, "SELECT fingerprint, finding AS id FROM finding_alias WHERE repository = ? AND fingerprint IN (?)"); err != nil {
		return nil, err
	}
	if err := read(g.primary, "SELECT fingerprint, id FROM finding WHERE repository = ? AND fingerprint IN (?)"); err != nil {
		return nil, err
	}
	for _, name := range asked {
		if id, ok := g.named[name]; ok {
			out[name] = id
		}
	}
	return out, nil
}

// recognise decides which findings that the branch does not have by name are known ones. It returns all arrivals, and what of gone
// is really gone.
func (g *ingest) recognise(ctx context.Context, r *Result, news []int, gone []*held) ([]arrival, []*held, error) {
	if len(news) == 0 {
		return nil, gone, nil
	}
	names := make([]string, len(news))
	for i, n := range news {
		names[i] = r.Found[n].Fingerprint
	}
	known, err := g.byName(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	leaving := make(map[ID]bool, len(gone))
	for _, h := range gone {
		leaving[h.Finding] = true
	}
	var arrived []arrival
	var rest []*Found
	used := map[ID]bool{}
	for _, n := range news {
		f := &r.Found[n]
		id := known[f.Fingerprint]
		h := g.holds[id]
		if id == 0 || used[id] || h != nil && h.State == "open" && !leaving[id] { // the branch has it under another name
			rest = append(rest, f)
			continue
		}
		used[id] = true
		arrived = append(arrived, arrival{f, h, id})
	}
	gone = slices.DeleteFunc(gone, func(h *held) bool { return used[h.Finding] })
	if len(gone) > 0 && len(rest) > 0 {
		if err := g.load(ctx, nil, gone); err != nil {
			return nil, nil, err
		}
		before, after := make([]finding.Key, len(gone)), make([]finding.Key, len(rest))
		for i, h := range gone {
			f := g.rows[h.Finding]
			before[i] = finding.Key{ID: h.Fingerprint, Twin: h.Twin, Outcome: outcomeOf(f.Outcome), Spot: finding.Spot(f.Attribute, f.Address)}
		}
		for i, f := range rest {
			after[i] = finding.Key{ID: f.Fingerprint, Twin: f.Twin, Outcome: outcomeOf(f.Outcome), Spot: f.Spot}
		}
		for i, o := range finding.Pair(before, after) {
			if o >= 0 {
				arrived = append(arrived, arrival{rest[i], gone[o], gone[o].Finding})
				used[gone[o].Finding] = true
				rest[i] = nil
			}
		}
		gone = slices.DeleteFunc(gone, func(h *held) bool { return used[h.Finding] })
	}
	for _, f := range rest {
		if f != nil {
			if known[f.Fingerprint] != 0 { // the name is another row's, and the branch has that one too
				copied := *f
				arrived = append(arrived, arrival{found: &copied, id: -1})
				continue
			}
			arrived = append(arrived, arrival{found: f})
		}
	}
	return arrived, gone, nil
}

func outcomeOf(text string) finding.Outcome {
	if text == "undecided" {
		return finding.Undecided
	}
	return finding.Fail
}

// arrive brings findings onto the branch.
func (g *ingest) arrive(r *Result, arrivals []arrival) error {
	texts := make([][]byte, len(arrivals))
	for i, a := range arrivals {
		texts[i] = a.found.Detail
		if len(texts[i]) == 0 {
			texts[i] = []byte("{}")
		}
	}
	refs, blobs, err := pack(texts)
	if err != nil {
		return err
	}
	g.blobs = append(g.blobs, blobs...)
	for i, a := range arrivals {
		if err := g.one(r, a, refs[i]); err != nil {
			return err
		}
	}
	return nil
}

// one brings one finding onto the branch.
func (g *ingest) one(r *Result, a arrival, ref string) error {
	f, at := a.found, g.at(r)
	row := g.rows[a.id]
	fresh := row == nil
	if fresh {
		row = g.fresh(r, a, at)
	}
	was := row.tally()
	h, moved, reopened := a.held, false, false
	if h == nil {
		h = &held{Finding: row.ID, added: true, SinceSHA: r.Commit.SHA, SinceAt: at}
	} else {
		moved = h.State == "open" && h.Fingerprint != f.Fingerprint
		if reopened = h.State == "fixed"; reopened {
			h.SinceSHA, h.SinceAt, h.FixedSHA, h.FixedAt = r.Commit.SHA, at, "", 0
		}
		if h.Fingerprint != f.Fingerprint && g.held[h.Fingerprint] == h {
			delete(g.held, h.Fingerprint)
		}
	}
	from := place{h.File, h.Fingerprint}
	h.State, h.Fingerprint, h.Twin, h.Detail, h.File, h.Line, h.seen, h.dirty = "open", f.Fingerprint, f.Twin, ref, f.File, f.Line, g.number, true
	g.held[f.Fingerprint], g.holds[row.ID] = h, h

	speaks := g.isDefault || !row.OnDefault
	if f.Fingerprint != row.Fingerprint && !fresh {
		g.rename(row, f.Fingerprint, speaks)
	}
	switch {
	case fresh:
		g.counts.New++
	case moved:
		g.counts.Moved++
		g.note(row, lifeEvent{at: at, kind: "moved", sha: r.Commit.SHA}, map[string]any{"from": from.file, "to": f.File, "address": f.Address})
	case reopened:
		g.counts.Reopened++
	default:
		g.counts.Still++
	}
	if !speaks {
		return nil
	}
	arrivedOnDefault := g.isDefault && !row.OnDefault
	row.dirty, row.OnDefault = true, g.isDefault
	if err := g.detect(r, row, f, at); err != nil {
		return err
	}
	row.describe(f, ref)
	row.LastSeenAt = max(row.LastSeenAt, at)
	row.Team = g.owners.of(g.Repository, f.File)
	g.settle(row)
	if fresh || arrivedOnDefault {
		g.note(row, lifeEvent{at: at, kind: "opened", sha: r.Commit.SHA}, nil)
	}
	g.countTrend(at, was, row.tally())
	return nil
}

// place is where a finding was.
type place struct{ file, fingerprint string }

// fresh makes the row of a finding that nobody saw before.
func (g *ingest) fresh(r *Result, a arrival, at Millis) *row {
	f := a.found
	x := &row{ID: g.Store.NewID(), Fingerprint: f.Fingerprint, FirstSeenAt: at, Status: StatusFixed, added: true}
	if a.id < 0 {
		x.Fingerprint += "~" + x.ID.String()
	}
	if !r.Full || g.last != "" && g.last == r.Commit.Parent {
		x.IntroducedSHA, x.IntroducedAuthor, x.IntroducedAt = r.Commit.SHA, r.Commit.Author, r.Commit.At
	}
	g.rows[x.ID], g.named[x.Fingerprint], g.primary[x.Fingerprint] = x, x.ID, x.ID
	return x
}

// rename gives a row another name: its own when the branch speaks for it, and else one more.
func (g *ingest) rename(f *row, name string, speaks bool) {
	if id, ok := g.primary[name]; ok && id != f.ID && (g.rows[id] == nil || g.rows[id].Fingerprint == name) {
		return // it is the name of another finding: the branch calls this one so, and nobody else does
	}
	g.named[name], g.primary[name] = f.ID, f.ID
	if !speaks {
		g.aliases[name] = f.ID
		return
	}
	g.named[f.Fingerprint] = f.ID
	g.aliases[f.Fingerprint] = f.ID
	delete(g.aliases, name)
	f.Fingerprint = name
	if !f.added && !slices.Contains(g.renamed, f) {
		g.renamed = append(g.renamed, f)
	}
}

// detect is what it means for the life of a finding that a branch that speaks for it has it.
func (g *ingest) detect(r *Result, row *row, f *Found, at Millis) error {
	happening := Detect
	if f.Suppressed {
		happening = Excuse
	}
	life := LifeOf(row.Status, row.MuteReason)
	if row.Outcome == "undecided" && f.Outcome == "fail" && life.Mute != "" && !life.Mute.ofScans() && life.Mute != RuleOff {
		// Nobody decided about a fail.
		life.Mute = ""
		g.note(row, lifeEvent{at: at, kind: "restored", sha: r.Commit.SHA}, map[string]any{"reason": "it was muted while it was undecided, and fails now"})
	}
	next, kind, err := Next(life, happening, "")
	if err != nil {
		return err
	}
	switch {
	case next.Mute == InCode && row.MuteReason != InCode:
		row.MuteReason, row.MuteComment, row.MuteUntil, row.MuteBy, row.MuteAt = InCode, f.Comment, 0, "", at
	case next.Mute == InCode:
		row.MuteComment = f.Comment
	case next.Mute == "" && row.MuteReason != "":
		row.MuteReason, row.MuteComment, row.MuteUntil, row.MuteBy, row.MuteAt = "", "", 0, "", 0
	}
	row.Status = next.Status()
	row.FixedAt, row.FixedSHA, row.FixedAuthor = 0, "", ""
	if kind != "" && !(row.added && row.Outcome == "") {
		var data map[string]any
		if next.Mute == InCode {
			data = map[string]any{"reason": InCode, "comment": f.Comment}
		}
		g.note(row, lifeEvent{at: at, kind: kind, sha: r.Commit.SHA}, data)
	}
	return nil
}

// settle is what the settings of rules say of a row.
func (g *ingest) settle(f *row) {
	x := ruled{repository: g.Repository, team: f.Team, severity: f.Severity, base: f.BaseSeverity, status: string(f.Status), reason: string(f.MuteReason)}.
		settle(g.rules.Of(f.Rule, g.Repository, f.Team))
	f.Severity, f.Status, f.MuteReason = x.severity, Status(x.status), Reason(x.reason)
}

// describe takes what a scan says of a finding.
func (x *row) describe(f *Found, ref string) {
	x.Twin, x.Rule, x.Outcome, x.BaseSeverity, x.Category, x.Provider, x.Dialect = f.Twin, f.Rule, f.Outcome, int64(f.Severity), f.Category, f.Provider, f.Dialect
	x.ResourceType, x.Address, x.Attribute, x.Unit, x.File, x.Line = f.Type, f.Address, f.Attribute, f.Unit, f.File, int64(f.Line)
	x.Message, x.HasFix, x.Detail = f.Message, f.HasFix, ref
}

// leave takes findings from the branch that the result does not have any more.
func (g *ingest) leave(ctx context.Context, r *Result, gone []*held) error {
	elsewhere, err := g.elsewhere(ctx, gone)
	if err != nil {
		return err
	}
	at := g.at(r)
	for _, h := range gone {
		g.counts.Gone++
		h.State, h.FixedSHA, h.FixedAt, h.dirty = "fixed", r.Commit.SHA, max(at, h.SinceAt), true
		if !g.lose(g.rows[h.Finding], elsewhere[h.Finding], lifeEvent{at: at, kind: "fixed", sha: r.Commit.SHA}) {
			continue
		}
		f := g.rows[h.Finding]
		f.FixedSHA, f.FixedAuthor = r.Commit.SHA, r.Commit.Author
	}
	return nil
}

// exclude notes findings that settings leave out of the scan from now on: they are muted for that, until a scan has them again or
// covers their place and does not.
func (g *ingest) exclude(ctx context.Context, r *Result, out []*held) error {
	if err := g.load(ctx, nil, out); err != nil {
		return err
	}
	elsewhere, err := g.elsewhere(ctx, out)
	if err != nil {
		return err
	}
	at := g.at(r)
	for _, h := range out {
		g.counts.Excluded++
		h.State, h.dirty = "excluded", true
		f := g.rows[h.Finding]
		if !g.isDefault && (f.OnDefault || elsewhere[h.Finding]) {
			continue
		}
		was := f.tally()
		next, kind, err := Next(LifeOf(f.Status, f.MuteReason), Exclude, "")
		if err != nil {
			return err
		}
		arrived := g.isDefault && !f.OnDefault
		f.OnDefault = f.OnDefault || g.isDefault
		f.dirty = f.dirty || arrived
		if kind == "" {
			continue
		}
		why := r.Left[h.Fingerprint]
		f.Status, f.dirty = next.Status(), true
		f.MuteReason, f.MuteComment, f.MuteUntil, f.MuteBy, f.MuteAt = next.Mute, why, 0, "", at
		g.note(f, lifeEvent{at: at, kind: kind, sha: r.Commit.SHA}, map[string]any{"reason": next.Mute, "comment": why})
		g.countTrend(at, was, f.tally())
	}
	return nil
}

// lose is what it means for the life of a finding that a branch does not have it any more. It tells whether it is fixed.
func (g *ingest) lose(f *row, elsewhere bool, e lifeEvent) bool {
	if !g.isDefault && (f.OnDefault || elsewhere) {
		return false
	}
	was := f.tally()
	next, kind, err := Next(LifeOf(f.Status, f.MuteReason), Lose, "")
	if err != nil || kind == "" {
		return false
	}
	f.OnDefault = f.OnDefault || g.isDefault
	if next.Mute == "" {
		f.MuteReason, f.MuteComment, f.MuteUntil, f.MuteBy, f.MuteAt = "", "", 0, "", 0
	}
	f.Status, f.dirty = next.Status(), true
	f.FixedAt = max(e.at, f.FirstSeenAt)
	f.LastSeenAt = max(f.LastSeenAt, f.FixedAt)
	g.note(f, e, nil)
	g.countTrend(e.at, was, f.tally())
	return true
}

// elsewhere tells which of the findings other branches have.
func (g *ingest) elsewhere(ctx context.Context, list []*held) (map[ID]bool, error) {
	out := map[ID]bool{}
	if g.isDefault {
		return out, nil
	}
	ids := make([]ID, len(list))
	for i, h := range list {
		ids[i] = h.Finding
	}
	for part := range slices.Chunk(ids, most) {
		var have []ID
		if err := g.NewRaw("SELECT DISTINCT finding FROM presence WHERE finding IN (?) AND branch <> ? AND state = 'open'", bun.List(part), g.Branch).Scan(ctx, &have); err != nil {
			return nil, fmt.Errorf("look at other branches: %w", err)
		}
		for _, id := range have {
			out[id] = true
		}
	}
	return out, nil
}

// note adds an event. Its data becomes a JSON object.
func (g *ingest) note(f *row, e lifeEvent, data map[string]any) {
	e.finding = f.ID
	if data != nil {
		text, err := json.Marshal(data)
		if err == nil { // maps of texts always can
			e.data = string(text)
		}
	}
	g.events = append(g.events, e)
}
