variable "bucket" {}
variable "strict" { type = bool }

resource "aws_s3_bucket_versioning" "this" {
  count  = 1
  bucket = var.bucket
  versioning_configuration {
    status = var.strict ? "Enabled" : "Suspended"
  }
}

resource "aws_sns_topic" "alarms" {
  name = "alarms-${var.strict}"
}
