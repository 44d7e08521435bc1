-- +goose Up
-- For how many days an organisation keeps what is over; 0 is for ever.
ALTER TABLE organisation ADD COLUMN keep_fixed BIGINT NOT NULL DEFAULT 400;
ALTER TABLE organisation ADD COLUMN keep_commits BIGINT NOT NULL DEFAULT 400;
ALTER TABLE organisation ADD COLUMN keep_audit BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN forgotten BIGINT NOT NULL DEFAULT 0; -- revision after which no deleted finding is there any more; -1 while they are being deleted

CREATE INDEX finding_by_fix ON finding (organisation, fixed_at) WHERE status = 'fixed' AND mute_reason = '';

-- +goose Down
DROP INDEX finding_by_fix;
ALTER TABLE organisation DROP COLUMN forgotten;
ALTER TABLE organisation DROP COLUMN keep_audit;
ALTER TABLE organisation DROP COLUMN keep_commits;
ALTER TABLE organisation DROP COLUMN keep_fixed;
