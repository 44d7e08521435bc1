variable "names" { default = ["a", "b"] }
variable "pw" {
  type = string
  sensitive = true
  default = "hunter2"
}
resource "terraform_data" "one" {
  count = 2
  input = { name = var.names[count.index], l = [1, 2] }
}
resource "terraform_data" "two" {
  for_each = toset(var.names)
  input = terraform_data.one[0].id
  triggers_replace = [var.pw, each.key]
}
module "kid" {
  source = "./child"
  for_each = { x = 1, "y.z[\"q" = 2 }
  id = terraform_data.two["a"].id
  n = each.value
}
output "o" { value = module.kid["x"].id }
output "s" {
  value = var.pw
  sensitive = true
}
