terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { team = "core", env = var.env }
  }
}

variable "region" { default = "eu-central-1" }
variable "env" { default = "dev" }
variable "sizes" {
  type    = map(number)
  default = { small = 10, large = 100 }
}
variable "open" {
  type    = list(number)
  default = [22, 3389]
}
variable "password" {
  type      = string
  sensitive = true
}

locals {
  encrypt = var.env == "prod"
}

data "aws_caller_identity" "me" {}

resource "aws_ebs_volume" "data" {
  for_each          = var.sizes
  availability_zone = "${var.region}a"
  size              = each.value
  encrypted         = local.encrypt
}

resource "aws_instance" "web" {
  count         = 2
  ami           = "ami-0123456789abcdef0"
  instance_type = "t3.micro"

  root_block_device {
    volume_size = 20
  }
  metadata_options {
    http_tokens = count.index == 0 ? "required" : "optional"
  }
}

resource "aws_security_group" "web" {
  name = "web"

  dynamic "ingress" {
    for_each = var.open
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["0.0.0.0/0"]
    }
  }
  ingress {
    description = "within"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

# plumbline:ignore aws-rds-public a bastion needs it
resource "aws_db_instance" "main" {
  allocated_storage   = 20
  engine              = "postgres"
  instance_class      = "db.t3.micro"
  username            = "root"
  password            = var.password
  publicly_accessible = true
}

resource "aws_sqs_queue" "jobs" {
  name = "jobs"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "sqs:SendMessage"
      Resource  = aws_kms_key.main.arn
    }]
  })
}

resource "aws_kms_key" "main" {
  description = "everything"
}

module "store" {
  source   = "./modules/store"
  for_each = toset(["logs", "media"])
  name     = "${var.env}-${each.key}"
  key      = aws_kms_key.main.arn
  public   = each.key == "media"
  locks    = { a = true, b = false }
}

output "buckets" {
  value = { for k, m in module.store : k => m.bucket }
}
