-- +goose Up
CREATE TABLE finding_undo (  -- what a change of many findings was before, so that it can be taken back for a while
    hash         TEXT PRIMARY KEY, -- SHA-256 of the token
    organisation BIGINT NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    actor        TEXT NOT NULL,    -- who may take it back
    action       TEXT NOT NULL,
    revision     BIGINT NOT NULL,  -- of the change: what has another one now was changed since
    made_at      BIGINT NOT NULL
);

CREATE TABLE finding_undo_row (
    undo    TEXT NOT NULL REFERENCES finding_undo (hash) ON DELETE CASCADE,
    finding BIGINT NOT NULL REFERENCES finding (id) ON DELETE CASCADE,
    was     TEXT NOT NULL, -- JSON
    PRIMARY KEY (undo, finding)
);

CREATE TABLE saved_view(          -- searches that somebody saved
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    person       BIGINT NOT NULL, -- who made it, and alone may change it
    name         TEXT NOT NULL,
    shared       BIGINT NOT NULL DEFAULT 0,
    query        TEXT NOT NULL,
    settings     TEXT NOT NULL DEFAULT '', -- JSON of the interface: columns, sorting, grouping
    created_at   BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    UNIQUE (organisation, person, name)
);

CREATE INDEX finding_by_mute ON finding (mute_until) WHERE mute_until > 0;

-- +goose Down
DROP INDEX finding_by_mute;
DROP TABLE saved_view;
DROP TABLE finding_undo_row;
DROP TABLE finding_undo;
