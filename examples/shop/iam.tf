data "aws_iam_policy_document" "assume_ec2" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "web" {
  name               = "${local.name}-web"
  assume_role_policy = data.aws_iam_policy_document.assume_ec2.json
}

resource "aws_iam_instance_profile" "web" {
  name = "${local.name}-web"
  role = aws_iam_role.web.name
}

data "aws_iam_policy_document" "web" {
  statement {
    sid       = "Images"
    actions   = ["s3:GetObject"]
    resources = ["${module.images.arn}/*"]
  }
}

resource "aws_iam_role_policy" "web" {
  name   = "images"
  role   = aws_iam_role.web.id
  policy = data.aws_iam_policy_document.web.json
}

# The pipeline deploys everything, so it got everything.
resource "aws_iam_policy" "deploy" {
  name = "${local.name}-deploy"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "*"
      Resource = "*"
    }]
  })
}
