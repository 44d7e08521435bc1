-- +goose Up
-- Times are milliseconds since 1970 in UTC; ids are store.ID; booleans are 0 and 1; text that is JSON says so.

CREATE TABLE process (        -- one row per running process: it hands out the node of ids, and says who is alive
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       TEXT NOT NULL, -- serve, worker, command
    host       TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

CREATE TABLE organisation (
    id         BIGINT PRIMARY KEY,
    name       TEXT NOT NULL,
    revision   BIGINT NOT NULL, -- grows with every transaction that changes findings; see finding.revision
    created_at BIGINT NOT NULL
);

CREATE TABLE person (
    id         BIGINT PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE, -- lower case
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE team (
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id),
    name         TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (organisation, name)
);

CREATE TABLE repository (
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id),
    name         TEXT NOT NULL,          -- unique in the organisation, for people and queries: payments/infra
    address      TEXT NOT NULL,          -- of git, without credentials; '' when results are only uploaded
    credential   BYTEA,                -- sealed; NULL when none is needed
    default_branch TEXT NOT NULL DEFAULT '', -- '' until the first fetch
    state        TEXT NOT NULL DEFAULT 'active', -- active, paused, removed
    problem      TEXT NOT NULL DEFAULT '',       -- why the last fetch or scan failed, for people; '' when it did not
    settings     TEXT NOT NULL DEFAULT '',       -- settings of the interface, YAML as in the settings file
    created_at   BIGINT NOT NULL,
    fetched_at   BIGINT NOT NULL DEFAULT 0,
    scanned_at   BIGINT NOT NULL DEFAULT 0,
    UNIQUE (organisation, name)
);

CREATE TABLE ownership (     -- which team owns what; the first row that matches wins, in the order of position
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id),
    team         BIGINT NOT NULL REFERENCES team (id) ON DELETE CASCADE,
    repository   BIGINT REFERENCES repository (id) ON DELETE CASCADE, -- NULL: any
    path         TEXT NOT NULL DEFAULT '', -- glob; '' is everything
    position     BIGINT NOT NULL
);
CREATE INDEX ownership_by_organisation ON ownership (organisation, position);

CREATE TABLE branch (
    id         BIGINT PRIMARY KEY,
    repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    head       TEXT NOT NULL,            -- commit of the last fetch
    scanned    TEXT NOT NULL DEFAULT '', -- the newest commit whose findings the presence rows are
    is_default BIGINT NOT NULL DEFAULT 0,
    head_at    BIGINT NOT NULL,          -- time of the head commit
    removed_at BIGINT NOT NULL DEFAULT 0,
    UNIQUE (repository, name)
);

CREATE TABLE blob (          -- content by its SHA-256, compressed with zstd: details of findings, lists of findings of commits, reports
    hash    TEXT PRIMARY KEY,
    content BYTEA NOT NULL,
    made_at BIGINT NOT NULL
);

CREATE TABLE scan (          -- one execution over one or several commits, or one upload
    id         BIGINT PRIMARY KEY,
    repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    branch     BIGINT NOT NULL REFERENCES branch (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,            -- commit, history, full, manual, upload
    state      TEXT NOT NULL,            -- queued, running, done, failed
    started_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL DEFAULT 0,
    commits    BIGINT NOT NULL DEFAULT 0,
    problem    TEXT NOT NULL DEFAULT '', -- why it failed, for people
    job        BIGINT NOT NULL DEFAULT 0 -- id of the job; 0 for uploads
);
CREATE INDEX scan_by_repository ON scan (repository, started_at);

CREATE TABLE commit_result ( -- what one commit gave
    id           BIGINT PRIMARY KEY,
    repository   BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    sha          TEXT NOT NULL,
    parent       TEXT NOT NULL DEFAULT '', -- first parent
    author       TEXT NOT NULL,
    email        TEXT NOT NULL,
    subject      TEXT NOT NULL,
    committed_at BIGINT NOT NULL,
    scan         BIGINT NOT NULL,
    scanned_at   BIGINT NOT NULL,
    findings     BIGINT NOT NULL, -- fails that nothing in the code suppresses
    undecided    BIGINT NOT NULL,
    suppressed   BIGINT NOT NULL,
    problems     BIGINT NOT NULL,
    added        BIGINT NOT NULL, -- against the first parent
    gone         BIGINT NOT NULL,
    result       TEXT NOT NULL,   -- blob: ids of the findings, JSON
    coverage     TEXT NOT NULL DEFAULT '', -- blob: coverage, problems and hygiene, JSON
    UNIQUE (repository, sha)
);
CREATE INDEX commit_result_by_time ON commit_result (repository, committed_at);

CREATE TABLE finding (       -- one row per finding of a repository, whatever branches have it
    id            BIGINT PRIMARY KEY,
    organisation  BIGINT NOT NULL REFERENCES organisation (id),
    repository    BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    fingerprint   TEXT NOT NULL,   -- finding.Finding.ID
    twin          TEXT NOT NULL,
    rule          TEXT NOT NULL,
    outcome       TEXT NOT NULL,   -- fail, undecided
    severity      BIGINT NOT NULL, -- 1 info … 5 critical: what counts
    base_severity BIGINT NOT NULL, -- the rule's own
    category      TEXT NOT NULL,
    provider      TEXT NOT NULL,
    dialect       TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    address       TEXT NOT NULL,
    attribute     TEXT NOT NULL,
    unit          TEXT NOT NULL,
    file          TEXT NOT NULL,
    line          BIGINT NOT NULL,
    message       TEXT NOT NULL,
    team          BIGINT NOT NULL DEFAULT 0, -- owner, 0 for nobody
    has_fix       BIGINT NOT NULL DEFAULT 0,
    detail        TEXT NOT NULL,             -- blob: jobs.Detail, JSON
    status        TEXT NOT NULL,             -- open, muted, fixed: on the default branch, or where it is newest when that never had it
    on_default    BIGINT NOT NULL DEFAULT 0, -- whether the default branch has or had it
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    fixed_at      BIGINT NOT NULL DEFAULT 0, -- 0 unless fixed
    introduced_sha    TEXT NOT NULL DEFAULT '',
    introduced_author TEXT NOT NULL DEFAULT '',
    introduced_at     BIGINT NOT NULL DEFAULT 0,
    fixed_sha     TEXT NOT NULL DEFAULT '',
    fixed_author  TEXT NOT NULL DEFAULT '',
    assignee      BIGINT NOT NULL DEFAULT 0, -- person
    mute_reason   TEXT NOT NULL DEFAULT '',  -- '' unless muted: false-positive, risk-accepted, pending-fix, no-fix, duplicate, other; code when the code suppresses it
    mute_comment  TEXT NOT NULL DEFAULT '',
    mute_until    BIGINT NOT NULL DEFAULT 0, -- 0 does not expire
    mute_by       TEXT NOT NULL DEFAULT '',
    mute_at       BIGINT NOT NULL DEFAULT 0,
    revision      BIGINT NOT NULL,           -- organisation.revision of the last change: columns in memory follow it
    UNIQUE (repository, fingerprint)
);
CREATE INDEX finding_by_revision ON finding (organisation, revision);
CREATE INDEX finding_by_twin ON finding (repository, twin);

CREATE TABLE presence (      -- a finding on a branch
    branch    BIGINT NOT NULL REFERENCES branch (id) ON DELETE CASCADE,
    finding   BIGINT NOT NULL REFERENCES finding (id) ON DELETE CASCADE,
    state     TEXT NOT NULL,               -- open, fixed
    detail    TEXT NOT NULL,               -- blob; that of this branch
    file      TEXT NOT NULL,
    line      BIGINT NOT NULL,
    since_sha TEXT NOT NULL,
    since_at  BIGINT NOT NULL,
    fixed_sha TEXT NOT NULL DEFAULT '',
    fixed_at  BIGINT NOT NULL DEFAULT 0,
    revision  BIGINT NOT NULL,
    PRIMARY KEY (branch, finding)
);
CREATE INDEX presence_by_finding ON presence (finding);

CREATE TABLE event (         -- what happened to a finding; never changed
    id      BIGINT PRIMARY KEY,
    finding BIGINT NOT NULL REFERENCES finding (id) ON DELETE CASCADE,
    at      BIGINT NOT NULL,
    kind    TEXT NOT NULL, -- opened, fixed, reopened, moved, muted, restored, expired, assigned, commented, severity
    actor   TEXT NOT NULL, -- name, '' for the program
    branch  TEXT NOT NULL DEFAULT '',
    sha     TEXT NOT NULL DEFAULT '',
    data    TEXT NOT NULL DEFAULT '' -- JSON by kind
);
CREATE INDEX event_by_finding ON event (finding, id);

CREATE TABLE audit_record (
    sequence     BIGINT PRIMARY KEY, -- from 0, without gaps
    organisation BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    object       TEXT NOT NULL,
    record       TEXT NOT NULL       -- the bytes that are hashed
);
CREATE INDEX audit_record_by_organisation ON audit_record (organisation, sequence);

CREATE TABLE audit_hash (    -- stored hashes of golang.org/x/mod/sumdb/tlog
    position BIGINT PRIMARY KEY,
    hash     BYTEA NOT NULL
);

-- +goose Down
DROP TABLE audit_hash;
DROP TABLE audit_record;
DROP TABLE event;
DROP TABLE presence;
DROP TABLE finding;
DROP TABLE commit_result;
DROP TABLE scan;
DROP TABLE blob;
DROP TABLE branch;
DROP TABLE ownership;
DROP TABLE repository;
DROP TABLE team;
DROP TABLE person;
DROP TABLE organisation;
DROP TABLE process;
