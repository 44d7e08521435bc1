# Card receipts. Audited; do not rename.
resource "aws_s3_bucket" "payment" {
  bucket = "${local.name}-payment"

  tags = {
    Team           = "payments"
    Service        = "checkout"
    Compliance     = "PCI-DSS"
    Purpose        = "receipts"
    Classification = "confidential"
  }
}

resource "aws_s3_bucket_versioning" "payment" {
  bucket = aws_s3_bucket.payment.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "payment" {
  bucket = aws_s3_bucket.payment.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Partners"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.payment.arn}/*"
    }]
  })
}

module "logs" {
  source = "./modules/bucket"

  name      = "${local.name}-logs"
  log_store = true
}

module "images" {
  source = "./modules/bucket"

  name   = "${local.name}-images"
  public = true
}
