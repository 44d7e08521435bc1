-- +goose Up
-- Since when findings are muted, for how many were open in the past: few rows, and nothing but the index is read.
CREATE INDEX finding_muted ON finding (organisation, id, mute_at) WHERE status = 'muted';

-- +goose Down
DROP INDEX finding_muted;
