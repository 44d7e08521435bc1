package terraform

import (
	"testing"

	"plumbline.dev/plumbline/value"
)

// TestEndings checks what is known of the ends of unknown texts, and that a text made from such a text does not inherit it.
func TestEndings(t *testing.T) {
	e := evaluateTree(t, map[string]string{"main.tf": `
data "aws_partition" "current" {}
variable "unset" {}
locals {
  base   = "arn:${data.aws_partition.current.partition}:iam::aws:policy"
  policy = "${local.base}/Read"
}
resource "aws_sns_topic" "t" {}
resource "any_thing" "x" {
  direct      = "arn:${data.aws_partition.current.partition}:policy/Read"
  via         = local.policy
  whole       = "${local.base}"
  open        = "arn:${var.unset}"
  two         = "a-${var.unset}-b-${var.unset}-c"
  upper       = upper(local.policy)
  hash        = sha256(local.policy)
  replaced    = replace(local.policy, "Read", "Write")
  longer      = "x${local.policy}${var.unset}"
  either      = var.unset == "1" ? local.policy : "arn:aws:iam::aws:policy/Admin"
  unprefixed  = "${var.unset}/Read"
  arn         = aws_sns_topic.t.arn
  part        = "${aws_sns_topic.t.arn}/*"
}
`})
	x := e.find(t, "any_thing.x")
	for name, want := range map[string]string{
		"direct":     `"arn:"+(unknown)+":policy/Read"`,
		"via":        `"arn:"+(unknown)+":iam::aws:policy/Read"`,
		"whole":      `"arn:"+(unknown)+":iam::aws:policy"`,
		"open":       `"arn:"+(unknown)`,
		"two":        `"a-"+(unknown)+"-c"`,
		"upper":      `(unknown)`,
		"hash":       `(unknown)`,
		"replaced":   `(unknown)`,
		"longer":     `"xarn:"+(unknown)`,
		"either":     `"arn:"+(unknown)`,
		"unprefixed": `(unknown)`,
		"arn":        `"arn:"+(unknown)`,
		"part":       `"arn:"+(unknown)+"/*"`,
	} {
		if got := value.Show(x.Body.Field(name)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
