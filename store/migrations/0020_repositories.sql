-- +goose Up
CREATE TABLE notice (        -- what happened, for whoever is looking at it now; kept for an hour
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL,
    repository   BIGINT NOT NULL, -- 0: of the organisation as a whole
    kind         TEXT NOT NULL,   -- the noun that changed: findings, repositories, scans, jobs, …
    data         TEXT NOT NULL,   -- JSON; nothing that only some of those who see the repository may see
    at           BIGINT NOT NULL
);
CREATE INDEX notice_by_time ON notice (at);

CREATE TABLE idempotency (   -- requests that were answered, so that repeating one does nothing twice; kept for a day
    actor   TEXT NOT NULL,
    key     TEXT NOT NULL,   -- SHA-256 of the key that the client made
    request TEXT NOT NULL,   -- SHA-256 of what was asked
    status  BIGINT NOT NULL, -- of HTTP; 0 while the first one is under way
    answer  BYTEA,            -- sealed with the client's key, which is not here: answers can hold what is shown once
    at      BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_by_time ON idempotency (at);

ALTER TABLE repository ADD COLUMN credential_kind TEXT NOT NULL DEFAULT ''; -- token, password, ssh-key; '' when there is none
ALTER TABLE organisation ADD COLUMN settings TEXT NOT NULL DEFAULT '';      -- YAML as in the settings file; lies below that of each repository

CREATE INDEX finding_open ON finding (repository, team, severity) WHERE status = 'open' AND on_default = 1 AND outcome = 'fail';

-- +goose Down
DROP INDEX finding_open;
ALTER TABLE organisation DROP COLUMN settings;
ALTER TABLE repository DROP COLUMN credential_kind;
DROP TABLE idempotency;
DROP TABLE notice;
