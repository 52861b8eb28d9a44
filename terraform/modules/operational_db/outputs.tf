output "host" {
  description = "Host name."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port."
  value       = 5432
}

output "database" {
  description = "The pipeline's database; runtime.bootstrap makes it, and `superset` beside it."
  value       = "millrace"
}

output "admin_secret_arn" {
  description = "Secret of the admin's user name and password, managed by AWS; the bootstrap task reads it."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "security_group_id" {
  description = "Security group of the instance."
  value       = aws_security_group.this.id
}

output "instance_id" {
  description = "Identifier of the instance, as CloudWatch's dimension DBInstanceIdentifier has it."
  value       = aws_db_instance.this.identifier
}
