-- +goose Up
CREATE TABLE audit_head (    -- one row: the right edge of the tree, so that an append reads nothing else
    id   BIGINT PRIMARY KEY, -- 1
    size BIGINT NOT NULL,    -- records
    edge BYTEA NOT NULL         -- audit.Frontier
);

CREATE TABLE audit_checkpoint ( -- signed checkpoints, each once
    size BIGINT PRIMARY KEY,
    at   BIGINT NOT NULL,
    note TEXT NOT NULL          -- signed note, with the cosignatures that came
);

CREATE TABLE audit_key (     -- one row: the key of the log
    id      BIGINT PRIMARY KEY, -- 1
    public  TEXT NOT NULL,      -- with the origin of the log
    private BYTEA NOT NULL,        -- sealed
    made_at BIGINT NOT NULL
);

CREATE TABLE audit_witness ( -- how far each witness has seen the log
    name    TEXT PRIMARY KEY,
    size    BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    problem TEXT NOT NULL DEFAULT '' -- why the last attempt failed, for people
);

CREATE TABLE sealing (       -- one row: what tells the right master key from a wrong one
    id      BIGINT PRIMARY KEY, -- 1
    number  TEXT NOT NULL,      -- of the master key
    sealed  BYTEA NOT NULL,        -- a known text
    made_at BIGINT NOT NULL
);

CREATE INDEX audit_record_by_actor ON audit_record (actor, sequence);
CREATE INDEX audit_record_by_action ON audit_record (action, sequence);
CREATE INDEX audit_record_by_object ON audit_record (object, sequence);

-- +goose Down
DROP INDEX audit_record_by_object;
DROP INDEX audit_record_by_action;
DROP INDEX audit_record_by_actor;
DROP TABLE sealing;
DROP TABLE audit_witness;
DROP TABLE audit_key;
DROP TABLE audit_checkpoint;
DROP TABLE audit_head;
