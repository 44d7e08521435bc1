-- +goose Up
CREATE TABLE upload (        -- results of scans elsewhere, so that the same ones again change nothing
    repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    branch     BIGINT NOT NULL REFERENCES branch (id) ON DELETE CASCADE,
    maker      TEXT NOT NULL, -- see store.MakerOf
    sha        TEXT NOT NULL,
    digest     TEXT NOT NULL, -- SHA-256 of the text
    scan       BIGINT NOT NULL,
    PRIMARY KEY (branch, maker)
);

-- +goose Down
DROP TABLE upload;
