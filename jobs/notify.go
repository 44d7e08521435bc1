package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/notify"
	"plumbline.dev/plumbline/query"
	"plumbline.dev/plumbline/store"
)

// Two kinds of jobs tell people elsewhere what happened. Tell makes messages of what happened in an organisation: it reads findings in
// the scope of each channel, and keeps the messages in the transaction that notes what was handed over. Deliver sends one message. It
// keeps its id when it is sent again, which happens when the receiver did not answer, or this process died before it could note the
// answer.

// telling is how many happenings one job makes messages of.
const telling = 200

// exactly is how many findings the link of a group names one by one: more would not fit into an address.
const exactly = 150

// TellNow queues a Tell job when there is something to tell of, in the transaction in which it happened.
func (q *Queue) TellNow(ctx context.Context, tx *store.Tx, organisation store.ID) error {
	if has, err := tx.Has(ctx, organisation); err != nil || !has {
		return err
	}
	return q.tell(ctx, tx, organisation)
}

// tell queues a Tell job, unless one waits already.
func (q *Queue) tell(ctx context.Context, tx *store.Tx, organisation store.ID) error {
	j := Job{What: Tell, Organisation: organisation}
	var n int
	if err := tx.NewRaw("SELECT count(*) FROM river_job WHERE state = 'available' AND kind = ? AND queue = ? AND args ->> 'organisation' = ?", j.Kind(), j.queue(), organisation.String()).Scan(ctx, &n); err != nil {
		return fmt.Errorf("look for jobs that wait: %w", err)
	}
	if n > 0 {
		return nil
	}
	_, err := q.Insert(ctx, tx, j)
	return err
}

// Deliver queues the sending of a message in the transaction that keeps it.
func (q *Queue) Deliver(ctx context.Context, tx *store.Tx, organisation, delivery store.ID) error {
	_, err := q.Insert(ctx, tx, Job{What: Deliver, Organisation: organisation, Delivery: delivery})
	return err
}

// tellAll queues what is to be told of that no scan has asked for: ends of mutes, uploads, daily messages.
func (w *worker) tellAll(ctx context.Context) error {
	if err := w.Store.WarnMutes(ctx); err != nil {
		return err
	}
	list, err := w.Store.ToTell(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	return w.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, organisation := range list {
			if err := w.queue.tell(ctx, tx, organisation); err != nil {
				return err
			}
		}
		return nil
	})
}

// tell makes messages of what happened in an organisation.
func (t *attempt) tell(ctx context.Context) error {
	organisation := t.job.Args.Organisation
	o, err := t.Store.Organisation(ctx, organisation)
	if err != nil {
		return err
	}
	channels, err := t.Store.Channels(ctx, access.Scope{Organisation: int64(organisation), All: true})
	if err != nil {
		return err
	}
	channels = slices.DeleteFunc(channels, func(c store.Channel) bool { return c.State != "active" })
	happened, err := t.Store.Unplanned(ctx, organisation, telling)
	if err != nil {
		return err
	}
	m := &teller{Store: t.Store, organisation: o.Name}
	if t.Rules != nil && len(channels) > 0 {
		if m.rules, err = t.Rules(); err != nil {
			return fmt.Errorf("read the catalogue: %w", err)
		}
	}
	p := tellPlan{happened: happened}
	for _, group := range byScan(happened) {
		for i := range channels {
			c := &channels[i]
			if c.Rhythm == store.Daily {
				p.gather(c, group)
				continue
			}
			message, err := m.message(ctx, c, group)
			if err != nil {
				return err
			}
			if message != nil {
				p.messages = append(p.messages, planned{channel: c.ID, occasion: group[0].ID.String(), message: *message})
			}
		}
	}
	now := store.MillisOf(t.Store.Now())
	for i := range channels {
		c := &channels[i]
		if c.Rhythm != store.Daily || c.NextAt > now {
			continue
		}
		told, err := t.Store.Gathered(ctx, c.ID)
		if err != nil {
			return err
		}
		day := ended{channel: c, told: told}
		if day.message, err = m.message(ctx, c, told); err != nil {
			return err
		}
		p.days = append(p.days, day)
	}
	return t.end(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) error { return t.keepPlan(ctx, tx, p) })
}

// tellPlan is what one Tell job writes.
type tellPlan struct {
	happened []store.Happened
	messages []planned
	gathered [][2]store.ID // channel and happening
	days     []ended
}

type planned struct {
	channel  store.ID
	occasion string
	message  notify.Message
}

// ended is a day of a daily channel that is over; its message is nil when there is nothing to tell.
type ended struct {
	channel *store.Channel
	told    []store.Happened
	message *notify.Message
}

// gather keeps what a daily channel may want.
func (p *tellPlan) gather(c *store.Channel, group []store.Happened) {
	for _, h := range group {
		wanted := h.First && c.Wants(notify.New)
		for kind := range h.Findings {
			wanted = wanted || c.Wants(kind)
		}
		for kind := range h.Texts {
			wanted = wanted || c.Wants(kind)
		}
		if wanted {
			p.gathered = append(p.gathered, [2]store.ID{c.ID, h.ID})
		}
	}
}

// keepPlan writes the messages and queues their sending. When another job has handed over the same meanwhile, nothing is written.
func (t *attempt) keepPlan(ctx context.Context, tx *store.Tx, p tellPlan) error {
	organisation := t.job.Args.Organisation
	if ok, err := tx.Plan(ctx, p.happened); err != nil || !ok {
		if err == nil {
			err = &putOff{time.Second} // another job told of the same meanwhile
		}
		return err
	}
	add := func(m planned) error {
		id, err := tx.AddDelivery(ctx, m.channel, m.occasion, m.message)
		if err != nil || id == 0 {
			return err
		}
		return t.queue.Deliver(ctx, tx, organisation, id)
	}
	for _, m := range p.messages {
		if err := add(m); err != nil {
			return err
		}
	}
	for _, g := range p.gathered {
		if err := tx.Gather(ctx, g[0], g[1]); err != nil {
			return err
		}
	}
	for _, d := range p.days {
		ok, err := tx.EndDay(ctx, d.channel, d.told)
		if err != nil {
			return err
		}
		if ok && d.message != nil {
			if err := add(planned{d.channel.ID, "day " + d.channel.NextAt.Time().Format(time.RFC3339), *d.message}); err != nil {
				return err
			}
		}
	}
	if len(p.happened) == telling {
		return t.queue.tell(ctx, tx, organisation)
	}
	return nil
}

// byScan puts happenings of one scan together, in the order of their first ones.
func byScan(list []store.Happened) (groups [][]store.Happened) {
	at := map[store.ID]int{}
	for _, h := range list {
		if i, ok := at[h.Scan]; ok && h.Scan != 0 {
			groups[i] = append(groups[i], h)
			continue
		}
		at[h.Scan] = len(groups)
		groups = append(groups, []store.Happened{h})
	}
	return groups
}

// teller makes messages.
type teller struct {
	*store.Store
	rules        store.Rulebook
	organisation string // its name
}

// statusAfter is what a finding still has to be when it is told of: much can happen before.
var statusAfter = map[notify.Happening]store.Status{notify.New: store.StatusOpen, notify.Reopened: store.StatusOpen, notify.Fixed: store.StatusFixed,
	notify.MuteEnding: store.StatusMuted, notify.MuteEnded: store.StatusOpen}

// message makes what a channel is told of some happenings at once; nil when it wants to know nothing of them.
func (m *teller) message(ctx context.Context, c *store.Channel, list []store.Happened) (*notify.Message, error) {
	if len(list) == 0 {
		return nil, nil
	}
	filter, err := query.Parse(c.Filter)
	if err != nil {
		return nil, fmt.Errorf("the filter of channel %s: %w", c.ID, err)
	}
	out := &notify.Message{Organisation: m.organisation, At: m.Now().UTC(), Daily: c.Rhythm == store.Daily}
	search := store.FindingSearch{Scope: c.ScopeOf(), Query: filter, Rules: m.rules}
	repositories := map[store.ID]*store.Repository{} // nil for one that the channel does not see
	findings := map[notify.Happening][]store.ID{}
	atLeast := map[notify.Happening]bool{}
	var problems []notify.Group
	for _, h := range list {
		repository, known := repositories[h.Repository]
		if !known && h.Repository != 0 {
			if repository, err = m.repository(ctx, c, h.Repository); err != nil {
				return nil, err
			}
			repositories[h.Repository] = repository
		}
		if h.Repository != 0 && repository == nil {
			continue
		}
		if h.First {
			group, err := m.first(ctx, search, h, repository)
			if err != nil {
				return nil, err
			}
			if group != nil && c.Wants(notify.New) {
				problems = append(problems, *group)
			}
		}
		for kind, text := range h.Texts {
			if c.Wants(kind) {
				problems = append(problems, notify.Group{Happening: kind, Repository: repository.Name, ID: repository.ID.String(), Text: text})
			}
		}
		if h.Repository != 0 && !speaksOf(filter, h, repository) {
			continue
		}
		for kind, ids := range h.Findings {
			if c.Wants(kind) {
				findings[kind] = append(findings[kind], ids...)
				atLeast[kind] = atLeast[kind] || len(ids) >= store.MaxHappened
			}
		}
	}
	left := notify.MaxItems
	for _, kind := range notify.Happenings {
		if len(findings[kind]) == 0 {
			continue
		}
		among, err := m.FindingsAmong(ctx, search, findings[kind], statusAfter[kind], left)
		if err != nil {
			return nil, err
		}
		if len(among.IDs) == 0 {
			continue
		}
		g := notify.Group{Happening: kind, Count: len(among.IDs), AtLeast: atLeast[kind], Severities: among.Severities, Query: asking(among, search, kind)}
		for _, f := range among.Worst {
			g.Items = append(g.Items, notify.Item{ID: f.ID.String(), Severity: f.Severity.String(), Rule: f.Rule, Title: cmp.Or(f.RuleTitle, f.Message), Address: f.Address,
				Repository: f.Repository.Name, File: f.File, Line: f.Line}.Tidy())
		}
		left -= len(g.Items)
		out.Groups = append(out.Groups, g)
	}
	out.Groups = append(out.Groups, bounded(problems)...)
	if len(out.Groups) == 0 {
		return nil, nil
	}
	m.about(out, list, repositories)
	*out = out.Tidy()
	return out, nil
}

// mostProblems bounds how many repositories a daily message names that have problems or were scanned for the first time.
const mostProblems = 20

func bounded(list []notify.Group) []notify.Group { return list[:min(len(list), mostProblems)] }

// about says what the message is about, when it is one repository.
func (m *teller) about(out *notify.Message, list []store.Happened, repositories map[store.ID]*store.Repository) {
	last := list[len(list)-1]
	repository := repositories[last.Repository]
	if repository == nil || len(repositories) > 1 || out.Daily {
		return
	}
	out.Repository, out.Commit = repository.Name, last.SHA
	if !last.OnDefault {
		out.Branch = last.Branch
	}
}

// repository returns a repository that a channel may know of, else nil.
func (m *teller) repository(ctx context.Context, c *store.Channel, id store.ID) (*store.Repository, error) {
	r, err := m.Repository(ctx, c.ScopeOf(), id)
	if fault, ok := errors.AsType[*store.Fault](err); ok && fault.Kind == store.NotFound {
		return nil, nil
	}
	return r, err
}

// speaksOf tells whether a filter is about the branch on which something happened: without a branch it is about the default ones.
func speaksOf(filter *query.Query, h store.Happened, r *store.Repository) bool {
	asked := false
	for _, t := range filter.Terms {
		if t.Key == "branch" && !t.Not {
			asked = true
			if !slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Match(h.Branch) }) {
				return false
			}
		}
	}
	return asked || h.OnDefault || r.DefaultBranch == ""
}

// first makes the line about a branch that was scanned for the first time; nil when the channel is not about it.
func (m *teller) first(ctx context.Context, search store.FindingSearch, h store.Happened, r *store.Repository) (*notify.Group, error) {
	if !speaksOf(search.Query, h, r) {
		return nil, nil
	}
	search.Query = &query.Query{Terms: append(slices.Clone(search.Query.Terms), query.Exactly("repo", r.Name))}
	counts, total, err := m.OpenBySeverity(ctx, search)
	if err != nil || total == 0 {
		return nil, err
	}
	asked := &query.Query{Terms: append([]query.Term{query.Exactly("status", "open")}, search.Query.Terms...)}
	return &notify.Group{Happening: notify.First, Count: total, Severities: counts, Query: asked.String(), Repository: r.Name, ID: r.ID.String()}, nil
}

// asking is a query for the findings of a group: exactly these, unless they are very many.
func asking(a *store.Among, search store.FindingSearch, kind notify.Happening) string {
	if len(a.IDs) <= exactly {
		t := query.Term{Key: "id"}
		for _, id := range a.IDs {
			t.Values = append(t.Values, query.Value{Text: id.String()})
		}
		terms := []query.Term{t}
		for _, x := range search.Query.Terms { // the status is that of the branch
			if x.Key == "branch" {
				terms = append(terms, x)
			}
		}
		return (&query.Query{Terms: terms}).String()
	}
	terms := append([]query.Term{query.Exactly("status", string(statusAfter[kind]))}, search.Query.Terms...)
	if kind == notify.New {
		terms = append(terms, query.Exactly("is", "new"))
	}
	names := map[string]bool{}
	for _, f := range a.Worst {
		names[f.Repository.Name] = true
	}
	if len(names) == 1 {
		terms = append(terms, query.Exactly("repo", a.Worst[0].Repository.Name))
	}
	return (&query.Query{Terms: terms}).String()
}

// What ends the attempts at a delivery, and what pauses a channel.
const (
	refusals = 4                  // attempts at what the receiver refuses: it may be in the middle of a change
	deaf     = 3 * 24 * time.Hour // for which nothing may arrive
)

// deliver sends a message.
func (t *attempt) deliver(ctx context.Context) error {
	organisation := t.job.Args.Organisation
	d, c, err := t.Store.DeliveryOf(ctx, organisation, t.job.Args.Delivery)
	if err != nil {
		return err
	}
	done := func(context.Context, *store.Tx) error { return nil }
	if d.State != "waiting" {
		return t.end(ctx, store.Entry{}, done)
	}
	if c.State != "active" && !strings.HasPrefix(d.Occasion, testOccasion) {
		return t.end(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) error {
			return tx.DropDelivery(ctx, d.ID, "The channel was paused.")
		})
	}
	if t.Send == nil || t.OpenChannel == nil || c.Kind == notify.Email && t.Send.Mail == nil && store.MillisOf(t.Store.Now())-d.MadeAt < store.Millis(time.Hour.Milliseconds()) {
		return &putOff{time.Minute} // another process sends
	}
	out := notify.Delivery{ID: d.ID.String(), Kind: c.Kind, Channel: notify.TidyText(c.Name)}
	if out.Message, err = d.Read(); err != nil {
		return err
	}
	if out.Target, out.Secret, err = t.OpenChannel(c); err != nil {
		return fmt.Errorf("open the address of a channel: %w", err)
	}
	if err := t.write(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) error { return tx.TryDelivery(ctx, d.ID) }); err != nil {
		return err
	}
	answer := t.Send.Send(ctx, out, t.Store.Now())
	if answer.Err != nil && t.stop.Err() != nil && ctx.Err() != nil {
		return answer.Err
	}
	return t.delivered(ctx, outcome{d, c, answer})
}

// outcome is what became of an attempt at a delivery.
type outcome struct {
	delivery *store.Delivery
	channel  *store.Channel
	answer   notify.Answer
}

// delivered notes what became of an attempt. What did not arrive is tried again, by the same job.
func (t *attempt) delivered(ctx context.Context, o outcome) error {
	organisation, d, c := t.job.Args.Organisation, o.delivery, o.channel
	now := store.MillisOf(t.Store.Now())
	object := "channel:" + c.ID.String() + " " + c.Name
	data := map[string]any{"delivery": d.ID, "status": o.answer.Status}
	end := store.Delivered{ID: d.ID, Channel: c.ID, State: "sent", Status: o.answer.Status}
	if o.answer.Err == nil {
		return t.end(ctx, store.Entry{Organisation: organisation, Actor: "system", Action: "channel.deliver", Object: object, Data: data},
			func(ctx context.Context, tx *store.Tx) error {
				if err := tx.EndDelivery(ctx, end); err != nil {
					return err
				}
				return tx.Notify(ctx, store.Notice{Organisation: organisation, Kind: "channels"}, nil)
			})
	}
	end.State, end.Problem = "waiting", notify.TidyText(upper(o.answer.Err.Error()))
	data["problem"] = end.Problem
	tries := t.job.Attempt
	last := o.answer.Gone || o.answer.Final && tries >= refusals || tries >= t.job.MaxAttempts || strings.HasPrefix(d.Occasion, testOccasion)
	pause := ""
	switch {
	case o.answer.Gone:
		pause = "The receiver was removed: it answered with 410."
	case c.FailingAt != 0 && now-c.FailingAt > store.Millis(deaf.Milliseconds()):
		pause = "Nothing has arrived since " + c.FailingAt.Time().Format("2 January 15:04") + " UTC. The last problem: " + end.Problem
	}
	if !last && pause == "" {
		if err := t.write(ctx, store.Entry{}, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.EndDelivery(ctx, end); err != nil {
				return err
			}
			return tx.Notify(ctx, store.Notice{Organisation: organisation, Kind: "channels"}, nil)
		}); err != nil {
			return err
		}
		if o.answer.Wait > 0 {
			return &putOff{o.answer.Wait}
		}
		return store.Refuse(store.Conflict, "%s", end.Problem)
	}
	end.State = "failed"
	return t.end(ctx, store.Entry{Organisation: organisation, Actor: "system", Action: "channel.fail", Object: object, Data: data}, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.EndDelivery(ctx, end); err != nil {
			return err
		}
		if err := tx.Notify(ctx, store.Notice{Organisation: organisation, Kind: "channels"}, nil); err != nil || pause == "" || c.State != "active" {
			return err
		}
		tx.Record(store.Entry{Organisation: organisation, Actor: "system", Action: "channel.pause", Object: object, Data: map[string]any{"reason": pause}})
		return tx.PauseChannel(ctx, c.ID, pause)
	})
}

// upper begins a text with a capital letter.
func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// testOccasion is how occasions of test messages begin.
const testOccasion = "test "

// TestMessage keeps a message that tries a channel, and queues it. It returns its id.
func (q *Queue) TestMessage(ctx context.Context, tx *store.Tx, c *store.Channel, organisation string) (store.ID, error) {
	m := notify.Message{Organisation: organisation, At: tx.Now.Time(), Groups: []notify.Group{{Happening: notify.Test}}}
	id, err := tx.AddDelivery(ctx, c.ID, testOccasion+tx.Store.NewID().String(), m.Tidy())
	if err != nil {
		return 0, err
	}
	return id, q.Deliver(ctx, tx, c.Organisation, id)
}
