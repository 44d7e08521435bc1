-- +goose Up
ALTER TABLE presence ADD COLUMN fingerprint TEXT NOT NULL DEFAULT ''; -- what the branch calls it: another one than finding.fingerprint where it was renamed on one branch only
ALTER TABLE presence ADD COLUMN twin TEXT NOT NULL DEFAULT '';        -- of the text on this branch

CREATE TABLE finding_alias ( -- former and other names of findings, so that a finding renamed on one branch is the same on the others
    repository  BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    finding     BIGINT NOT NULL REFERENCES finding (id) ON DELETE CASCADE,
    PRIMARY KEY (repository, fingerprint)
);
CREATE INDEX finding_alias_by_finding ON finding_alias (finding);

CREATE TABLE trend (         -- fails of default branches by day: open and muted at the end of the day, the others on it
    organisation BIGINT NOT NULL,
    repository   BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    day          BIGINT NOT NULL, -- days since 1970 in UTC; a day without a row is as the one before it, with nothing opened and fixed
    severity     BIGINT NOT NULL,
    open         BIGINT NOT NULL DEFAULT 0,
    muted        BIGINT NOT NULL DEFAULT 0,
    opened       BIGINT NOT NULL DEFAULT 0, -- new and reopened ones
    fixed        BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (repository, day, severity)
);
CREATE INDEX trend_by_organisation ON trend (organisation, day);

CREATE INDEX finding_without_origin ON finding (repository, id) WHERE introduced_sha = '' AND status <> 'fixed';

-- +goose Down
DROP INDEX finding_without_origin;
DROP TABLE trend;
DROP TABLE finding_alias;
ALTER TABLE presence DROP COLUMN twin;
ALTER TABLE presence DROP COLUMN fingerprint;
