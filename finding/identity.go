package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// identityVersion is in front of every id. Golden tests pin what it stands for; a change of the recipe needs a new one.
const identityVersion = "1"

// Identify returns the identity of a finding: rule, directory of the unit, resource address and attribute path. File
// names, line numbers and sets of inputs take no part, so that the id outlives moves of lines and renames of files.
func Identify(rule, unit, address, path string) string {
	return digest("finding", rule, unit, address, path)
}

// Twin returns the second key of a finding: rule and text of the block, white space folded.
func Twin(rule, block string) string {
	return digest("twin", rule, strings.Join(strings.Fields(block), " "))
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return identityVersion + "-" + hex.EncodeToString(sum[:10])
}
