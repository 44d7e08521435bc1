variable "environment" {
  description = "Name of the environment: dev or prod"
  type        = string
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "public_subnets" {
  description = "Public subnets: availability zone to address range"
  type        = map(string)
  default = {
    eu-central-1a = "10.20.0.0/24"
    eu-central-1b = "10.20.1.0/24"
  }
}

variable "admin_cidrs" {
  description = "Address ranges that may reach the instances over SSH"
  type        = list(string)
}

variable "instance_count" {
  type    = number
  default = 2
}

variable "database_encrypted" {
  type    = bool
  default = true
}

variable "database_password" {
  type      = string
  sensitive = true
}

variable "certificate_arn" {
  description = "Certificate of the shop's domain"
  type        = string
}
