-- +goose Up
-- Hashes are SHA-256 in hexadecimal of something with 256 random bits. What is called sealed is encrypted by package seal.

CREATE TABLE membership (    -- somebody in an organisation
    person       BIGINT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    organisation BIGINT NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    role         TEXT NOT NULL DEFAULT '', -- in all of it; '' when only in teams
    joined_at    BIGINT NOT NULL,
    disabled_at  BIGINT NOT NULL DEFAULT 0,
    seen_at      BIGINT NOT NULL DEFAULT 0, -- last sign-in
    PRIMARY KEY (person, organisation)
);
CREATE INDEX membership_by_organisation ON membership (organisation);

CREATE TABLE team_member (
    team   BIGINT NOT NULL REFERENCES team (id) ON DELETE CASCADE,
    person BIGINT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role   TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '', -- '' by hand, else the provider whose groups say so
    PRIMARY KEY (team, person)
);
CREATE INDEX team_member_by_person ON team_member (person);

CREATE TABLE session (
    hash         TEXT PRIMARY KEY, -- of the cookie
    id           BIGINT NOT NULL UNIQUE,
    person       BIGINT NOT NULL,  -- 0 while somebody is signing in
    organisation BIGINT NOT NULL,
    method       TEXT NOT NULL,    -- link, passkey, password, or the name of a provider
    data         TEXT NOT NULL,    -- JSON; what is secret in it is sealed
    created_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    address      TEXT NOT NULL,
    agent        TEXT NOT NULL,
    renew        BIGINT NOT NULL DEFAULT 0 -- 1: the cookie changes with the next request, because rights did
);
CREATE INDEX session_by_person ON session (person);
CREATE INDEX session_by_expiry ON session (expires_at);

CREATE TABLE ticket (        -- one-time links
    hash         TEXT PRIMARY KEY,
    kind         TEXT NOT NULL, -- administrator, invitation, link
    person       BIGINT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    organisation BIGINT NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX ticket_by_person ON ticket (person);

CREATE TABLE password (      -- a password counts only together with the code of an app
    person     BIGINT PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    hash       TEXT NOT NULL,              -- Argon2id with its parameters
    secret     BYTEA NOT NULL,              -- of the codes, sealed
    step       BIGINT NOT NULL DEFAULT 0,  -- of the last code that was used: it and older ones are refused
    changed_at BIGINT NOT NULL
);

CREATE TABLE recovery_code ( -- instead of the code of an app, once
    person  BIGINT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    hash    TEXT NOT NULL,
    used_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (person, hash)
);

CREATE TABLE passkey (
    id         BIGINT PRIMARY KEY,
    person     BIGINT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    credential TEXT NOT NULL UNIQUE, -- base64url
    name       TEXT NOT NULL,
    data       TEXT NOT NULL,        -- public key, counter and flags, JSON
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX passkey_by_person ON passkey (person);

CREATE TABLE known_address ( -- from where somebody has signed in: guesses of strangers do not slow it down
    person  BIGINT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (person, address)
);

CREATE TABLE provider (      -- of OpenID Connect
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    issuer       TEXT NOT NULL,
    client       TEXT NOT NULL,
    secret       BYTEA NOT NULL,            -- sealed
    scopes       TEXT NOT NULL DEFAULT '', -- besides openid, profile and email; separated by spaces
    groups_claim TEXT NOT NULL DEFAULT '', -- '' when groups decide nothing
    role         TEXT NOT NULL DEFAULT '', -- of people who come for the first time; '' refuses them unless a group lets them in
    created_at   BIGINT NOT NULL,
    UNIQUE (organisation, name)
);

CREATE TABLE provider_group (
    id       BIGINT PRIMARY KEY,
    provider BIGINT NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    team     BIGINT REFERENCES team (id) ON DELETE CASCADE, -- NULL: in all of the organisation
    role     TEXT NOT NULL
);
CREATE INDEX provider_group_by_provider ON provider_group (provider);

CREATE TABLE provider_identity ( -- who a provider's subject is here
    provider BIGINT NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    subject  TEXT NOT NULL,
    person   BIGINT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    PRIMARY KEY (provider, subject)
);

CREATE TABLE token (
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    person       BIGINT REFERENCES person (id) ON DELETE CASCADE, -- whose rights it has; NULL for machines
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL UNIQUE,
    hint         TEXT NOT NULL,                -- its first characters, to recognise it
    role         TEXT NOT NULL DEFAULT '',     -- of machines
    permissions  TEXT NOT NULL,                -- separated by spaces
    repository   BIGINT REFERENCES repository (id) ON DELETE CASCADE, -- NULL: not bound to one
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT NOT NULL DEFAULT 0,
    revoked_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX token_by_organisation ON token (organisation, id);

CREATE TABLE trust (         -- which identity tokens of CI may upload results of a repository
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    repository   BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    issuer       TEXT NOT NULL,
    claims       TEXT NOT NULL,    -- JSON: each must be in the token with exactly this text
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    used_at      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX trust_by_organisation ON trust (organisation, id);
CREATE INDEX trust_by_issuer ON trust (issuer);

CREATE TABLE reassignment (  -- findings whose owner is being looked up again because ownership changed
    organisation BIGINT PRIMARY KEY REFERENCES organisation (id) ON DELETE CASCADE,
    after        BIGINT NOT NULL  -- findings up to this id are done
);

-- +goose Down
DROP TABLE reassignment;
DROP TABLE trust;
DROP TABLE token;
DROP TABLE provider_identity;
DROP TABLE provider_group;
DROP TABLE provider;
DROP TABLE known_address;
DROP TABLE passkey;
DROP TABLE recovery_code;
DROP TABLE password;
DROP TABLE ticket;
DROP TABLE session;
DROP TABLE team_member;
DROP TABLE membership;
