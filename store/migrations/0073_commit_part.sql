-- +goose Up
-- What other tools say of a commit. It is in the numbers of commit_result, too, and is kept apart so that a tool can say it anew.
CREATE TABLE commit_part (
    repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    sha        TEXT NOT NULL,
    maker      TEXT NOT NULL, -- see store.Maker
    findings   BIGINT NOT NULL,
    undecided  BIGINT NOT NULL,
    suppressed BIGINT NOT NULL,
    result     TEXT NOT NULL, -- blob: store.CommitDelta, JSON; '' when nothing differs
    PRIMARY KEY (repository, sha, maker)
);

-- +goose Down
DROP TABLE commit_part;
