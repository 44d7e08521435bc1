variable "id" {}
variable "n" {}
locals { z = var.id }
resource "terraform_data" "inner" {
  count = var.n
  input = var.id
}
resource "terraform_data" "viaz" {
  input = local.z
  lifecycle { ignore_changes = [input] }
}
output "id" { value = terraform_data.inner[0].output }
