variable "name" {
  type = string
}

variable "public" {
  description = "Whether everybody may read the objects"
  type        = bool
  default     = false
}

variable "log_store" {
  description = "Whether AWS services deliver logs to the bucket"
  type        = bool
  default     = false
}

resource "aws_s3_bucket" "this" {
  bucket = var.name
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = !var.public
  block_public_policy     = !var.public
  ignore_public_acls      = !var.public
  restrict_public_buckets = !var.public
}

resource "aws_s3_bucket_ownership_controls" "this" {
  count = var.public || var.log_store ? 1 : 0

  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket_acl" "this" {
  count = var.public || var.log_store ? 1 : 0

  bucket = aws_s3_bucket.this.id
  acl    = var.public ? "public-read" : "log-delivery-write"

  depends_on = [aws_s3_bucket_ownership_controls.this]
}

output "name" {
  value = aws_s3_bucket.this.bucket
}

output "arn" {
  value = aws_s3_bucket.this.arn
}
