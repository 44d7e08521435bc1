package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/query"
)

// Rules of this file, what the overview counts:
//   - Everything is about the findings that fit a query and a scope, on default branches unless the query names others. Fails
//     and undecided ones are never added together.
//   - Each number comes with the query that lists what it counts: the overview's query with more terms. A test runs them all.
//   - The past is what the rows say of it today: a finding was open from first_seen_at until it was fixed or muted. One that was fixed and
//     came back counts as open in between. Days and weeks are those of UTC; weeks begin on Monday.
//   - Time to remediate is fixed_at − first_seen_at of the fails fixed in the span. Mutes end nothing: who mutes does not mend.

// MaxSpan is the longest span of an overview.
const MaxSpan = 5 * 366 * 24 * time.Hour

// Overview is how findings stand and where they go.
type Overview struct {
	Query        string           `json:"query" doc:"what it is about; empty for everything"`
	From         Millis           `json:"from" doc:"first day of the span, at midnight UTC"`
	To           Millis           `json:"to" doc:"end of the span: midnight after its last day"`
	Open         Numbered         `json:"open" doc:"fails that are open now"`
	Severities   []NumberedBy     `json:"severities" doc:"the same by severity, the worst first"`
	Undecided    Numbered         `json:"undecided" doc:"open findings that need an input to be decided"`
	Muted        Numbered         `json:"muted" doc:"muted fails"`
	New          Numbered         `json:"new" doc:"fails first seen in the span"`
	Fixed        Numbered         `json:"fixed" doc:"fails fixed in the span"`
	Days         []TrendDay       `json:"days" doc:"fails that were open, at the end of days that are evenly apart; the last one is now or the end of the span"`
	Weeks        []TrendWeek      `json:"weeks" doc:"what came and what went, week by week"`
	Remediation  []Remediation    `json:"remediation" doc:"time to remediate of what was fixed in the span, the worst severity first"`
	Repositories []RiskRepository `json:"repositories" doc:"where the risk is highest; at most 10"`
	Rules        []RiskRule       `json:"rules" doc:"rules with the most risk; at most 10"`
	Oldest       []OldFinding     `json:"oldest" doc:"fails that are open for longest, high and critical before others; at most 10"`
}

// Numbered is a number with the query that lists what it counts.
type Numbered struct {
	Count int    `json:"count"`
	Query string `json:"query"`
}

// NumberedBy is a number for one severity.
type NumberedBy struct {
	Severity string `json:"severity"`
	Count    int    `json:"count"`
	Query    string `json:"query"`
}

// TrendDay is how many fails were open when a day ended.
type TrendDay struct {
	Day  Millis `json:"day" doc:"midnight UTC at which the day began"`
	Open Tally  `json:"open"`
}

// TrendWeek is what came and went in a week.
type TrendWeek struct {
	From  Millis   `json:"from" doc:"Monday, or the first day of the span"`
	To    Millis   `json:"to" doc:"midnight after the last day"`
	New   Numbered `json:"new"`
	Fixed Numbered `json:"fixed"`
}

// Remediation is how long fixes took.
type Remediation struct {
	Severity string `json:"severity"`
	Fixed    int    `json:"fixed"`
	Mean     int64  `json:"mean" doc:"seconds; 0 when nothing was fixed"`
	Median   int64  `json:"median" doc:"seconds; of an even number the lower of the two in the middle"`
	Query    string `json:"query"`
}

// RiskRepository is a repository with what is open in it.
type RiskRepository struct {
	ID    ID     `json:"id"`
	Name  string `json:"name"`
	Score int    `json:"score" doc:"see risk"`
	Count int    `json:"count"`
	Open  Tally  `json:"open"`
	Query string `json:"query"`
}

// RiskRule is a rule with what is open of it.
type RiskRule struct {
	Rule         string `json:"rule"`
	Title        string `json:"title"`
	Score        int    `json:"score"`
	Count        int    `json:"count"`
	Repositories int    `json:"repositories" doc:"in how many"`
	Open         Tally  `json:"open"`
	Query        string `json:"query"`
}

// OldFinding is a finding that is open for long.
type OldFinding struct {
	ID          ID     `json:"id"`
	Severity    string `json:"severity"`
	Rule        string `json:"rule"`
	Message     string `json:"message"`
	Address     string `json:"address"`
	Repository  string `json:"repository"`
	FirstSeenAt Millis `json:"firstSeenAt"`
}

// RiskWeights is what an open fail adds to the score of its repository and its rule, by severity from info to critical.
var RiskWeights = [...]int{0, 1, 5, 25, 100}

// riskOfTally is the score of open fails.
func riskOfTally(t Tally) int {
	return t.Info*RiskWeights[0] + t.Low*RiskWeights[1] + t.Medium*RiskWeights[2] + t.High*RiskWeights[3] + t.Critical*RiskWeights[4]
}

// total is how many there are of every severity.
func (t Tally) total() int { return t.Critical + t.High + t.Medium + t.Low + t.Info }

const secondsOfDay = 24 * 3600

// OverviewSpan is the time that an overview looks at, in whole days of UTC.
type OverviewSpan struct {
	From time.Time // its day is the first one
	To   time.Time // its day is the last one
}

// Overview counts the findings that fit.
func (s *Store) Overview(ctx context.Context, f FindingSearch, span OverviewSpan) (*Overview, error) {
	from, to := span.From.UTC().Truncate(24*time.Hour), span.To.UTC().Truncate(24*time.Hour).Add(24*time.Hour)
	if !from.Before(to) || to.Sub(from) > MaxSpan || from.Unix() <= 0 {
		return nil, Refuse(Invalid, "The span of an overview is at least a day and at most five years, and its first day comes first.")
	}
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer done()
	question := e.question("overview", fmt.Sprint(e.now.Unix()/60, " ", from.Unix(), " ", to.Unix(), " ", e.Query))
	return cached(&e.c.cache, question, func(*Overview) int { return 32 << 10 }, func() (*Overview, error) { return e.overview(ctx, from, to) })
}

func (e *search) overview(ctx context.Context, from, to time.Time) (*Overview, error) {
	rows, err := e.matched(ctx, "")
	if err != nil {
		return nil, err
	}
	muted, err := e.mutedAt(ctx)
	if err != nil {
		return nil, err
	}
	t := newTrend(from, to, e.now)
	repositories := make([]Tally, len(e.c.dicts[colRepository].ends))
	rules := make([]Tally, len(e.c.dicts[colRule].ends))
	pairs := make(map[uint64]struct{}) // of rules and repositories
	var counts [len(statusOf)]int
	var open Tally
	var undecided int
	var took [6][]int64
	now := e.now.Unix()
	var oldest oldRows
	rows.each(func(row int) {
		status := e.view.code(row)
		if e.c.flags[row]&flagUndecided != 0 {
			if status == codeOpen {
				undecided++
			}
			return
		}
		severity := int(e.c.severity[row])
		first, end := int64(e.c.times[colFirst][row]), int64(0)
		counts[status]++
		switch status {
		case codeOpen:
			open.add(severity, 1)
			repository, rule := e.c.codes[colRepository][row], e.c.codes[colRule][row]
			repositories[repository].add(severity, 1)
			rules[rule].add(severity, 1)
			pairs[uint64(rule)<<32|uint64(repository)] = struct{}{}
			oldest.add(oldRow{row, severity >= int(finding.High), first})
		case codeFixed:
			end = int64(e.c.times[colFixed][row])
			if t.inSpan(end) && severity < len(took) {
				took[severity] = append(took[severity], max(end-first, 0))
				t.fixed(end)
			}
		case codeMuted:
			end = cmp.Or(muted[e.c.ids[row]], first)
		}
		if t.inSpan(first) {
			t.came(first)
		}
		if status == codeFixed && end == 0 { // on a branch: the row does not know when
			return
		}
		t.open(severity, min(first, now), min(end, now)) // clocks of those who commit may be ahead
	})

	fails := e.with(query.Exactly("verdict", "fail"))
	nowOpen := e.with(query.Exactly("status", "open"), query.Exactly("verdict", "fail"))
	out := &Overview{
		Query: e.Query.String(), From: MillisOf(from), To: MillisOf(to),
		Open:      Numbered{counts[codeOpen], nowOpen},
		Undecided: Numbered{undecided, e.with(query.Exactly("status", "open"), query.Exactly("verdict", "undecided"))},
		Muted:     Numbered{counts[codeMuted], e.with(query.Exactly("status", "muted"), query.Exactly("verdict", "fail"))},
		Days:      t.days(), Weeks: t.weeks(fails),
		New: Numbered{t.cameAll, fails + between("first-seen", from, to)}, Fixed: Numbered{t.fixedAll, fails + " status:fixed" + between("fixed", from, to)},
		Repositories: []RiskRepository{}, Rules: []RiskRule{},
	}
	for severity := finding.Critical; severity >= finding.Info; severity-- {
		term := " severity:" + severity.String()
		out.Severities = append(out.Severities, NumberedBy{severity.String(), tallyOf(open, int(severity)), nowOpen + term})
		mean, median := average(took[severity])
		out.Remediation = append(out.Remediation, Remediation{severity.String(), len(took[severity]), mean, median, out.Fixed.Query + term})
	}
	for code, tally := range repositories {
		if tally.total() > 0 {
			name := e.textOf(colRepository, uint32(code))
			out.Repositories = append(out.Repositories, RiskRepository{idOf(e.c.dicts[colRepository].of(uint32(code))), name, riskOfTally(tally), tally.total(), tally,
				e.with(query.Exactly("repo", name), query.Exactly("status", "open"), query.Exactly("verdict", "fail"))})
		}
	}
	slices.SortFunc(out.Repositories, func(a, b RiskRepository) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Name, b.Name))
	})
	out.Repositories = out.Repositories[:min(10, len(out.Repositories))]
	within := make(map[uint64]int)
	for pair := range pairs {
		within[pair>>32]++
	}
	for code, tally := range rules {
		if tally.total() > 0 {
			id := e.textOf(colRule, uint32(code))
			out.Rules = append(out.Rules, RiskRule{id, cmp.Or(e.Rules[id].Title, id), riskOfTally(tally), tally.total(), within[uint64(code)], tally,
				e.with(query.Exactly("rule", id), query.Exactly("status", "open"), query.Exactly("verdict", "fail"))})
		}
	}
	slices.SortFunc(out.Rules, func(a, b RiskRule) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Rule, b.Rule)) })
	out.Rules = out.Rules[:min(10, len(out.Rules))]
	out.Oldest = []OldFinding{}
	for _, r := range oldest.list {
		out.Oldest = append(out.Oldest, OldFinding{e.c.ids[r.row], finding.Severity(e.c.severity[r.row]).String(), e.textOf(colRule, e.c.codes[colRule][r.row]), e.textOf(colMessage, e.c.codes[colMessage][r.row]),
			e.textOf(colAddress, e.c.codes[colAddress][r.row]), e.textOf(colRepository, e.c.codes[colRepository][r.row]), Millis(r.first * 1000)})
	}
	return out, nil
}

// with is the query with more terms.
func (e *search) with(terms ...query.Term) string {
	q := query.Query{Terms: append(slices.Clone(e.Query.Terms), terms...)}
	return q.String()
}

// between is the terms that ask for a time from a midnight until before another one.
func between(key string, from, to time.Time) string {
	return " " + key + ":>=" + from.Format(time.DateOnly) + " " + key + ":<" + to.Format(time.DateOnly)
}

// mutedAt says since when findings are muted, in seconds since 1970.
func (e *search) mutedAt(ctx context.Context) (map[ID]int64, error) {
	return cached(&e.c.cache, "muted at", func(m map[ID]int64) int { return 40 * len(m) }, func() (map[ID]int64, error) {
		rows, err := e.store.DB.QueryContext(ctx, "SELECT id, mute_at FROM finding WHERE organisation = ? AND status = 'muted'", e.c.organisation)
		if err != nil {
			return nil, fmt.Errorf("read since when findings are muted: %w", err)
		}
		defer rows.Close()
		out := make(map[ID]int64)
		for rows.Next() {
			var id ID
			var at Millis
			if err := rows.Scan(&id, &at); err != nil {
				return nil, fmt.Errorf("read since when findings are muted: %w", err)
			}
			out[id] = int64(at) / 1000
		}
		return out, rows.Err()
	})
}

// tallyOf is the count of one severity.
func tallyOf(t Tally, severity int) int {
	return [...]int{0, t.Info, t.Low, t.Medium, t.High, t.Critical}[severity]
}

// average is the mean and the median of lengths of time, which it sorts.
func average(list []int64) (mean, median int64) {
	if len(list) == 0 {
		return 0, 0
	}
	slices.Sort(list)
	sum := int64(0)
	for _, n := range list {
		sum += n
	}
	return sum / int64(len(list)), list[(len(list)-1)/2]
}

// oldRow is a candidate for the oldest findings.
type oldRow struct {
	row   int
	grave bool // high or critical
	first int64
}

// oldRows keeps the ten that come first: the grave ones, and of them those that are open for longest.
type oldRows struct{ list []oldRow }

func (o *oldRows) add(r oldRow) {
	const most = 10
	compare := func(a, b oldRow) int {
		if a.grave != b.grave {
			if a.grave {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.row, b.row))
	}
	if len(o.list) == most && compare(r, o.list[most-1]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(o.list, r, compare)
	o.list = slices.Insert(o.list, at, r)
	o.list = o.list[:min(most, len(o.list))]
}

// trend counts over the days of a span. Times are seconds since 1970.
type trend struct {
	from, to int64    // midnights
	until    int64    // nothing is said about later days: they have not been
	step     int64    // days from one point to the next
	marks    [][6]int // by point and severity: how many more are open than at the point before
	fixes    []int    // by week
	news     []int
	cameAll  int
	fixedAll int
}

// maxPoints is the most points of a line.
const maxPoints = 120

func newTrend(from, to, now time.Time) *trend {
	t := &trend{from: from.Unix(), to: to.Unix()}
	t.until = min(t.to, now.UTC().Truncate(24*time.Hour).Unix()+secondsOfDay)
	days := max((t.until-t.from)/secondsOfDay, 0)
	t.step = max((days+maxPoints-1)/maxPoints, 1)
	t.marks = make([][6]int, (days+t.step-1)/t.step)
	weeks := t.week(t.to-1) + 1
	t.fixes, t.news = make([]int, weeks), make([]int, weeks)
	return t
}

// inSpan tells whether a time is in the span.
func (t *trend) inSpan(at int64) bool { return at >= t.from && at < t.to }

// week is the number of the week of a time of the span. 1970 began on a Thursday.
func (t *trend) week(at int64) int {
	monday := func(s int64) int64 { return (s/secondsOfDay + 3) / 7 }
	return int(monday(at) - monday(t.from))
}

func (t *trend) came(at int64) {
	t.news[t.week(at)]++
	t.cameAll++
}

func (t *trend) fixed(at int64) {
	t.fixes[t.week(at)]++
	t.fixedAll++
}

// open counts a finding that was open from a time until another one, 0 for still. Points are ends of steps; the last one is the end of all.
func (t *trend) open(severity int, from, until int64) {
	begin := t.point(from)
	end := len(t.marks)
	if until != 0 {
		end = t.point(until)
	}
	if begin >= end || severity > 5 {
		return
	}
	t.marks[begin][severity]++
	if end < len(t.marks) {
		t.marks[end][severity]--
	}
}

// point is the first point that a time is before, counted from the end of the span: the last point is the last day, whatever the step.
func (t *trend) point(at int64) int {
	if at < t.from {
		return 0
	}
	if at >= t.until {
		return len(t.marks)
	}
	left := (t.until - 1 - at) / secondsOfDay // whole days until the last one
	return len(t.marks) - 1 - int(left/t.step)
}

// days returns the line.
func (t *trend) days() []TrendDay {
	out := make([]TrendDay, len(t.marks))
	var sum [6]int
	for i := range t.marks {
		for s, n := range t.marks[i] {
			sum[s] += n
		}
		last := t.until - secondsOfDay - int64(len(t.marks)-1-i)*t.step*secondsOfDay
		out[i] = TrendDay{Millis(last * 1000), Tally{Critical: sum[5], High: sum[4], Medium: sum[3], Low: sum[2], Info: sum[1]}}
	}
	return out
}

// weeks returns the bars, with what asks for their findings.
func (t *trend) weeks(fails string) []TrendWeek {
	out := make([]TrendWeek, len(t.news))
	for i := range out {
		monday := ((t.from/secondsOfDay+3)/7+int64(i))*7 - 3
		from := time.Unix(max(monday*secondsOfDay, t.from), 0).UTC()
		to := time.Unix(min((monday+7)*secondsOfDay, t.to), 0).UTC()
		out[i] = TrendWeek{MillisOf(from), MillisOf(to), Numbered{t.news[i], fails + between("first-seen", from, to)}, Numbered{t.fixes[i], fails + " status:fixed" + between("fixed", from, to)}}
	}
	return out
}
