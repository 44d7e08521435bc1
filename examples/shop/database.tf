resource "aws_db_subnet_group" "orders" {
  name       = local.name
  subnet_ids = [for s in aws_subnet.public : s.id]
}

resource "aws_db_instance" "orders" {
  identifier           = "${local.name}-orders"
  engine               = "postgres"
  engine_version       = "16.4"
  instance_class       = "db.t4g.medium"
  allocated_storage    = 50
  username             = "orders"
  password             = var.database_password
  db_subnet_group_name = aws_db_subnet_group.orders.name

  storage_encrypted       = var.database_encrypted
  publicly_accessible     = true
  backup_retention_period = 7
  deletion_protection     = true
}
