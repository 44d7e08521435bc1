-- +goose Up
CREATE TABLE channel (       -- where people are told of what happens
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id),
    team         BIGINT REFERENCES team (id) ON DELETE CASCADE, -- NULL: of the organisation; else nothing is told that is not the team's
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL,            -- webhook, slack, teams, google-chat, email
    target       BYTEA NOT NULL,           -- sealed: the address, or several of mail. Whoever knows that of a chat can write there
    shown        TEXT NOT NULL,            -- what people may see of it
    secret       BYTEA,                    -- sealed: what webhooks are signed with; NULL for others
    filter       TEXT NOT NULL DEFAULT '', -- query of findings
    happenings   TEXT NOT NULL,            -- separated by spaces
    rhythm       TEXT NOT NULL,            -- scan, daily
    hour         BIGINT NOT NULL,          -- of daily ones, UTC
    next_at      BIGINT NOT NULL DEFAULT 0, -- of daily ones: when the next message is due
    state        TEXT NOT NULL,            -- active, paused
    reason       TEXT NOT NULL DEFAULT '', -- why the server has paused it, for people; '' when a person has
    failing_at   BIGINT NOT NULL DEFAULT 0, -- since when nothing arrives; 0 when the last message did
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX channel_by_organisation ON channel (organisation, id);

CREATE TABLE happening (     -- what is to be told: written with the change itself, while an organisation has channels
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id),
    repository   BIGINT NOT NULL,          -- 0: several
    branch       TEXT NOT NULL DEFAULT '',
    on_default   BIGINT NOT NULL DEFAULT 0, -- whether the branch is the default one
    sha          TEXT NOT NULL DEFAULT '', -- newest commit
    scan         BIGINT NOT NULL DEFAULT 0, -- nothing is told before its end
    data         TEXT NOT NULL,            -- JSON by kind of happening: ids of findings, or a text
    at           BIGINT NOT NULL,
    planned_at   BIGINT NOT NULL DEFAULT 0 -- when it was handed to the channels
);
CREATE INDEX happening_open ON happening (organisation, id) WHERE planned_at = 0;
CREATE INDEX happening_by_time ON happening (at);

CREATE TABLE channel_happening ( -- what daily channels will tell
    channel   BIGINT NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    happening BIGINT NOT NULL REFERENCES happening (id) ON DELETE CASCADE,
    PRIMARY KEY (channel, happening)
);
CREATE INDEX channel_happening_by_happening ON channel_happening (happening);

CREATE TABLE delivery (      -- a message to a channel
    id       BIGINT PRIMARY KEY,
    channel  BIGINT NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
    occasion TEXT NOT NULL,            -- what it is about: a channel is told once
    title    TEXT NOT NULL,
    message  TEXT NOT NULL,            -- notify.Message, JSON; '' when it is over
    state    TEXT NOT NULL,            -- waiting, sent, failed
    attempts BIGINT NOT NULL DEFAULT 0,
    status   BIGINT NOT NULL DEFAULT 0, -- of the last answer: HTTP's or SMTP's; 0 when there was none
    problem  TEXT NOT NULL DEFAULT '', -- why the last attempt failed, for people
    made_at  BIGINT NOT NULL,
    tried_at BIGINT NOT NULL DEFAULT 0,
    UNIQUE (channel, occasion)
);
CREATE INDEX delivery_by_time ON delivery (made_at);

CREATE TABLE mute_warning (  -- mutes whose end was told of
    finding BIGINT PRIMARY KEY REFERENCES finding (id) ON DELETE CASCADE,
    until   BIGINT NOT NULL
);

ALTER TABLE branch ADD COLUMN announced BIGINT NOT NULL DEFAULT 0; -- whether its head was ever scanned: what comes before that is not told one by one
UPDATE branch SET announced = 1 WHERE scanned <> '';

-- +goose Down
ALTER TABLE branch DROP COLUMN announced;
DROP TABLE mute_warning;
DROP TABLE delivery;
DROP TABLE channel_happening;
DROP TABLE happening;
DROP TABLE channel;
