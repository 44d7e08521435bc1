-- +goose Up
-- What people decided about rules, on top of what each repository's settings files say. The most specific row wins as a whole: of the
-- repository, else of the team, else of the organisation.
CREATE TABLE rule_setting (
    id           BIGINT PRIMARY KEY,
    organisation BIGINT NOT NULL REFERENCES organisation (id),
    team         BIGINT REFERENCES team (id) ON DELETE CASCADE,       -- NULL: not of a team
    repository   BIGINT REFERENCES repository (id) ON DELETE CASCADE, -- NULL: not of a repository; both NULL: of the organisation
    rule         TEXT NOT NULL,                                       -- id
    off          BIGINT NOT NULL,                                     -- 1: its findings are muted with the reason rule-off
    severity     BIGINT NOT NULL,                                     -- 1 info … 5 critical; 0: the rule's own
    reason       TEXT NOT NULL,
    set_by       TEXT NOT NULL,
    set_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX rule_setting_once ON rule_setting (organisation, rule, COALESCE(team, 0), COALESCE(repository, 0));

CREATE INDEX finding_by_rule ON finding (organisation, rule);

-- +goose Down
DROP INDEX finding_by_rule;
DROP TABLE rule_setting;
