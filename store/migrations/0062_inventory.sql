-- +goose Up
-- What the default branches declare, after expansion. It is made again by every scan of a head.
CREATE TABLE snapshot (
    repository BIGINT PRIMARY KEY REFERENCES repository (id) ON DELETE CASCADE,
    sha        TEXT NOT NULL,
    made_at    BIGINT NOT NULL,
    edges      TEXT NOT NULL,  -- blob: references between resources, JSON; '' for none
    cut        BIGINT NOT NULL -- 1: there is more than was kept
);

CREATE TABLE resource (
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id),
    repository   BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    team         BIGINT NOT NULL, -- owner of the file, 0 for nobody
    unit         TEXT NOT NULL,
    variant      TEXT NOT NULL,
    address      TEXT NOT NULL,
    type         TEXT NOT NULL,
    native       TEXT NOT NULL,
    name         TEXT NOT NULL,
    provider     TEXT NOT NULL,
    dialect      TEXT NOT NULL,
    module       TEXT NOT NULL,
    file         TEXT NOT NULL,
    line         BIGINT NOT NULL,
    maybe        BIGINT NOT NULL,
    part_of      TEXT NOT NULL, -- address of the resource that it is a part of
    exposed      TEXT NOT NULL, -- why it can be reached from the internet; '' when nothing says so
    tags         BIGINT NOT NULL, -- how many
    digest       TEXT NOT NULL  -- of all of this and the tags: what is as before is not written again
);
CREATE INDEX resource_by_repository ON resource (repository);
CREATE INDEX resource_by_type ON resource (organisation, type, id);

CREATE TABLE resource_tag (
    resource BIGINT NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    known    BIGINT NOT NULL, -- 0: the value is not known before deployment
    origin   TEXT NOT NULL,   -- resource, default_tags of provider.aws
    file     TEXT NOT NULL,
    line     BIGINT NOT NULL,
    PRIMARY KEY (resource, key)
);
CREATE INDEX resource_tag_by_key ON resource_tag (key, value, resource);

-- +goose Down
DROP TABLE resource_tag;
DROP TABLE resource;
DROP TABLE snapshot;
