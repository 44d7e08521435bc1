-- +goose Up
DROP INDEX finding_by_twin; -- twins are looked for among those that leave a branch, in memory: nothing asked it

-- +goose Down
CREATE INDEX finding_by_twin ON finding (repository, twin);
