# What the expressions of ../expressions.txt may use: unknown values of each kind, and a sensitive one.
resource "terraform_data" "u" {}

locals {
  us = terraform_data.u.id                          # unknown string
  ul = split(",", local.us)                         # unknown list of strings
  uset = toset(local.ul)                            # unknown set of strings
  un = tonumber(local.us)                           # unknown number
  ub = local.us == "x"                              # unknown bool
  um = zipmap(local.ul, local.ul)                   # unknown map of strings
  up = "arn:aws:s3:::${local.us}"                   # string with a known prefix
  lu = tolist(["a", local.us])                      # list with an unknown element
  mu = tomap({ a = "x", b = local.us })             # map with an unknown element
  ou = { a = "x", b = local.us }                    # object with an unknown attribute
  ss = sensitive("secret")                          # sensitive string
  ls = tolist(["a", sensitive("b")])                # list with a sensitive element
  os = { a = "x", b = sensitive("y") }              # object with a sensitive attribute
}
