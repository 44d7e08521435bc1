package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/notify"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// Channels is what channels are made with. The zero value refuses to make any.
type Channels struct {
	Keys  *seal.Ring     // that seals their addresses and secrets; nil refuses them
	Hosts outbound.Hosts // that may be reached
	Mail  bool           // whether mail is sent
}

// TargetPlace is the row that the sealed address of a channel belongs to.
func TargetPlace(channel store.ID) seal.Place {
	return seal.Place{Kind: "channel.target", ID: channel.String()}
}

// ChannelSecretPlace is the row that the sealed secret of a channel belongs to.
func ChannelSecretPlace(channel store.ID) seal.Place {
	return seal.Place{Kind: "channel.secret", ID: channel.String()}
}

type channelBody struct {
	Team       store.ID           `json:"team,omitempty" doc:"absent for a channel of the organisation, which is its administrators' business"`
	Name       string             `json:"name" maxLength:"200"`
	Kind       notify.Kind        `json:"kind" enum:"webhook,slack,teams,google-chat,email"`
	Target     string             `json:"target,omitempty" maxLength:"6000" writeOnly:"true" doc:"address of the webhook, or addresses of mail separated by commas; it is sealed and never given out again. Without one that which is kept stays"`
	Filter     string             `json:"filter,omitempty" maxLength:"4000" doc:"query of findings, without a status; empty is all of the default branches"`
	Happenings []notify.Happening `json:"happenings" minItems:"1" maxItems:"20" enum:"new,reopened,fixed,mute-ending,mute-ended,scan-failed,repository-problem" doc:"what it is told of"`
	Rhythm     store.Rhythm       `json:"rhythm,omitempty" enum:"scan,daily" default:"scan" doc:"scan: one message when a scan has ended, and at once of what no scan brings; daily: one a day"`
	Hour       int                `json:"hour,omitempty" minimum:"0" maximum:"23" doc:"of daily ones, in UTC"`
	State      string             `json:"state,omitempty" enum:"active,paused" default:"active"`
}

type addChannelInput struct{ Body channelBody }

type changeChannelInput struct {
	ID   Ref `path:"id"`
	Body channelBody
}

type channelOutput struct{ Body *store.Channel }

type newChannelOutput struct {
	Body struct {
		Channel *store.Channel `json:"channel"`
		Secret  string         `json:"secret" doc:"that messages of a webhook are signed with; shown once, and empty for other kinds"`
	}
}

type channelsOutput struct {
	Body struct {
		Items []store.Channel `json:"items"`
		Next  string          `json:"next" doc:"empty: there are 200 channels at most, and all of them are here"`
		Mail  bool            `json:"mail" doc:"whether this server sends mail"`
	}
}

type listDeliveriesInput struct {
	One
	Paging
}

type testChannelOutput struct {
	Body struct {
		Delivery store.ID `json:"delivery" doc:"to look for among the deliveries"`
	}
}

func (s *Service) channels(api huma.API) {
	add(s, api, operation{id: "list-channels", method: http.MethodGet, path: "/api/channels", tag: "channels", summary: "Where people are told of what happens, each with its last message", needs: access.ChannelWrite},
		func(ctx context.Context, call *Call, _ *struct{}) (*channelsOutput, error) {
			out := &channelsOutput{}
			var err error
			out.Body.Mail = s.Channels.Mail
			out.Body.Items, err = s.Store.Channels(ctx, call.Scope)
			return out, err
		})
	add(s, api, operation{id: "add-channel", method: http.MethodPost, path: "/api/channels", tag: "channels", status: http.StatusCreated, summary: "Tell a webhook, a chat or addresses of mail of what happens", needs: access.ChannelWrite},
		func(ctx context.Context, call *Call, in *addChannelInput) (*newChannelOutput, error) {
			return s.setChannel(ctx, call, 0, in.Body)
		})
	add(s, api, operation{id: "change-channel", method: http.MethodPut, path: "/api/channels/{id}", tag: "channels", summary: "Change a channel, pause it or let it go on", needs: access.ChannelWrite},
		func(ctx context.Context, call *Call, in *changeChannelInput) (*channelOutput, error) {
			out, err := s.setChannel(ctx, call, in.ID.ID, in.Body)
			if err != nil {
				return nil, err
			}
			return &channelOutput{out.Body.Channel}, nil
		})
	add(s, api, operation{id: "rotate-channel-secret", method: http.MethodPost, path: "/api/channels/{id}/secret", tag: "channels", summary: "Sign the messages of a webhook with another secret from now on", needs: access.ChannelWrite}, s.rotateChannelSecret)
	add(s, api, operation{id: "remove-channel", method: http.MethodDelete, path: "/api/channels/{id}", tag: "channels", summary: "Remove a channel", needs: access.ChannelWrite},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			c, err := s.channel(ctx, call, in.ID.ID)
			if err != nil {
				return nil, err
			}
			return nil, s.Store.Write(ctx, call.Entry("channel.remove", channelObject(c.ID, c.Name), nil), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.RemoveChannel(ctx, call.Scope, c.ID)
				return err
			})
		})
	add(s, api, operation{id: "test-channel", method: http.MethodPost, path: "/api/channels/{id}/test", tag: "channels", status: http.StatusAccepted, summary: "Send a test message to a channel, once", needs: access.ChannelWrite}, s.testChannel)
	add(s, api, operation{id: "list-deliveries", method: http.MethodGet, path: "/api/channels/{id}/deliveries", tag: "channels", summary: "Messages to a channel of the last 30 days, the newest first", needs: access.ChannelWrite},
		func(ctx context.Context, call *Call, in *listDeliveriesInput) (*page[store.Delivery], error) {
			items, err := s.Store.Deliveries(ctx, call.Scope, in.ID.ID, in.Cursor.ID, in.Limit)
			return pageOf(items, in.Limit, func(d store.Delivery) store.ID { return d.ID }), err
		})
}

func channelObject(id store.ID, name string) string { return "channel:" + id.String() + " " + name }

// channel returns a channel that the caller may change: those of the organisation need more than those of a team.
func (s *Service) channel(ctx context.Context, call *Call, id store.ID) (*store.Channel, error) {
	c, err := s.Store.Channel(ctx, call.Scope, id)
	if err != nil {
		return nil, err
	}
	return c, ofOrganisation(call, c.Team)
}

// ofOrganisation refuses who may not decide for the whole organisation when there is no team.
func ofOrganisation(call *Call, team store.ID) error {
	if team == 0 && !call.Subject.Scope(access.SettingsWrite).Whole() {
		return store.Refuse(store.Forbidden, "A channel of the whole organisation is its administrators' business: name a team.")
	}
	return nil
}

// setChannel writes a channel; id is 0 for a new one.
func (s *Service) setChannel(ctx context.Context, call *Call, id store.ID, b channelBody) (*newChannelOutput, error) {
	c := store.Channel{ID: id, Organisation: store.ID(call.Scope.Organisation), Team: b.Team, Kind: b.Kind, Filter: b.Filter, Happenings: b.Happenings, Rhythm: b.Rhythm, Hour: b.Hour, State: b.State, CreatedBy: call.Subject.Name}
	if id == 0 {
		c.ID = s.Store.NewID()
	} else {
		before, err := s.channel(ctx, call, id)
		if err != nil {
			return nil, err
		}
		if before.Kind != b.Kind {
			return nil, store.Refuse(store.Conflict, "A channel stays of its kind: make another one.")
		}
	}
	if b.Team != 0 {
		if _, err := s.Store.Team(ctx, call.Scope, b.Team); err != nil {
			return nil, err
		}
	}
	if err := ofOrganisation(call, b.Team); err != nil {
		return nil, err
	}
	var err error
	if c.Name, err = store.Name(b.Name); err != nil {
		return nil, err
	}
	if b.Kind == notify.Email && !s.Channels.Mail {
		return nil, store.Refuse(store.Conflict, "This server sends no mail: who runs it has to name a mail server (--smtp).")
	}
	if b.Target == "" && id == 0 {
		return nil, store.Refuse(store.Invalid, "Say where the messages go: the address of the webhook, or addresses of mail.")
	}
	if b.Target != "" {
		if err := s.sealTarget(&c, b.Target); err != nil {
			return nil, err
		}
	}
	out := &newChannelOutput{}
	if b.Kind == notify.Webhook && id == 0 {
		if out.Body.Secret, err = s.sealSecret(&c); err != nil {
			return nil, err
		}
	}
	data := map[string]any{"kind": c.Kind, "team": c.Team, "leadsTo": c.Shown, "filter": c.Filter, "happenings": c.Happenings, "rhythm": c.Rhythm, "hour": c.Hour, "state": c.State}
	if err := s.Store.Write(ctx, call.Entry("channel.set", channelObject(c.ID, c.Name), data), func(ctx context.Context, tx *store.Tx) error {
		return tx.SetChannel(ctx, call.Scope, c)
	}); err != nil {
		return nil, err
	}
	out.Body.Channel, err = s.Store.Channel(ctx, call.Scope, c.ID)
	return out, err
}

// sealTarget checks where a channel is to lead, and seals it.
func (s *Service) sealTarget(c *store.Channel, text string) error {
	if s.Channels.Keys == nil {
		return store.Refuse(store.Conflict, "This server has no master key, so it keeps no addresses of channels.")
	}
	target, err := notify.ParseTarget(c.Kind, text, s.Channels.Hosts)
	if err != nil {
		return store.Refuse(store.Invalid, "The channel cannot lead there: %v.", err)
	}
	c.Shown = target.Shown
	if c.Target, err = s.Channels.Keys.Seal([]byte(target.Text), TargetPlace(c.ID)); err != nil {
		return fmt.Errorf("seal the address of a channel: %w", err)
	}
	return nil
}

// sealSecret makes a new secret, seals it and returns it to be shown once.
func (s *Service) sealSecret(c *store.Channel) (string, error) {
	if s.Channels.Keys == nil {
		return "", store.Refuse(store.Conflict, "This server has no master key, so it keeps no secrets.")
	}
	secret := notify.NewSecret()
	var err error
	if c.Secret, err = s.Channels.Keys.Seal([]byte(secret), ChannelSecretPlace(c.ID)); err != nil {
		return "", fmt.Errorf("seal the secret of a channel: %w", err)
	}
	return secret, nil
}

func (s *Service) rotateChannelSecret(ctx context.Context, call *Call, in *One) (*newChannelOutput, error) {
	c, err := s.channel(ctx, call, in.ID.ID)
	if err != nil {
		return nil, err
	}
	if c.Kind != notify.Webhook {
		return nil, store.Refuse(store.Conflict, "Only webhooks are signed.")
	}
	out := &newChannelOutput{}
	if out.Body.Secret, err = s.sealSecret(c); err != nil {
		return nil, err
	}
	if err := s.Store.Write(ctx, call.Entry("channel.secret", channelObject(c.ID, c.Name), nil), func(ctx context.Context, tx *store.Tx) error {
		return tx.SetChannelSecret(ctx, call.Scope, c.ID, c.Secret)
	}); err != nil {
		return nil, err
	}
	out.Body.Channel, err = s.Store.Channel(ctx, call.Scope, c.ID)
	return out, err
}

func (s *Service) testChannel(ctx context.Context, call *Call, in *One) (*testChannelOutput, error) {
	c, err := s.channel(ctx, call, in.ID.ID)
	if err != nil {
		return nil, err
	}
	if s.Queue == nil {
		return nil, store.Refuse(store.Conflict, "This server has no queue.")
	}
	o, err := s.Store.Organisation(ctx, c.Organisation)
	if err != nil {
		return nil, err
	}
	out := &testChannelOutput{}
	err = s.Store.Write(ctx, call.Entry("channel.test", channelObject(c.ID, c.Name), nil), func(ctx context.Context, tx *store.Tx) (err error) {
		out.Body.Delivery, err = s.Queue.TestMessage(ctx, tx, c, o.Name)
		return err
	})
	return out, err
}
