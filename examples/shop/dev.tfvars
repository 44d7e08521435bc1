environment        = "dev"
admin_cidrs        = ["0.0.0.0/0"]
instance_count     = 1
database_encrypted = false
