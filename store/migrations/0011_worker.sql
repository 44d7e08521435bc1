-- +goose Up
ALTER TABLE repository ADD COLUMN tried_at BIGINT NOT NULL DEFAULT 0;      -- when somebody last set out to fetch it
ALTER TABLE repository ADD COLUMN known_hosts TEXT NOT NULL DEFAULT '';    -- keys of its host, as ssh keeps them

-- +goose Down
ALTER TABLE repository DROP COLUMN known_hosts;
ALTER TABLE repository DROP COLUMN tried_at;
