-- +goose Up
-- Decisions about more findings than one transaction takes. They go in parts, each in a transaction of its own.
CREATE TABLE finding_change (
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    actor        TEXT NOT NULL,             -- who decided, and alone may take it back
    action       TEXT NOT NULL,
    scope        TEXT NOT NULL,             -- JSON of access.Scope: what the actor may change
    decision     TEXT NOT NULL,             -- JSON of Decision
    state        TEXT NOT NULL,             -- running, done, undoing, undone
    total        BIGINT NOT NULL,           -- findings that fit
    seen         BIGINT NOT NULL DEFAULT 0, -- of these
    changed      BIGINT NOT NULL DEFAULT 0,
    restored     BIGINT NOT NULL DEFAULT 0, -- what was taken back
    made_at      BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE finding_change_part ( -- what is still to be changed
    change  BIGINT NOT NULL REFERENCES finding_change (id) ON DELETE CASCADE,
    number  BIGINT NOT NULL,
    ids     BYTEA NOT NULL,        -- of findings, eight bytes each
    PRIMARY KEY (change, number)
);

ALTER TABLE finding_undo ADD COLUMN change BIGINT NOT NULL DEFAULT 0; -- of which it takes back a part; 0 for none

CREATE INDEX finding_undo_by_change ON finding_undo (change) WHERE change > 0;

-- +goose Down
DROP INDEX finding_undo_by_change;
DELETE FROM finding_undo WHERE change > 0;
ALTER TABLE finding_undo DROP COLUMN change;
DROP TABLE finding_change_part;
DROP TABLE finding_change;
