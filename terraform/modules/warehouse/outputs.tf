output "workgroup_name" {
  description = "Name of the workgroup: ELT_REDSHIFT_WORKGROUP."
  value       = aws_redshiftserverless_workgroup.this.workgroup_name
}

output "workgroup_arn" {
  description = "ARN of the workgroup, for redshift-serverless:GetCredentials."
  value       = aws_redshiftserverless_workgroup.this.arn
}

output "namespace_name" {
  description = "Name of the namespace."
  value       = aws_redshiftserverless_namespace.this.namespace_name
}

output "endpoint" {
  description = "Host of the workgroup: ELT_REDSHIFT_HOST."
  value       = aws_redshiftserverless_workgroup.this.endpoint[0].address
}

output "port" {
  description = "Its port."
  value       = 5439
}

output "database" {
  description = "Database of staging and gold."
  value       = aws_redshiftserverless_namespace.this.db_name
}

output "copy_role_arn" {
  description = "Role by which Redshift reads and writes the lake: ELT_REDSHIFT_ROLE."
  value       = aws_iam_role.copy.arn
}

output "admin_secret_arn" {
  description = "Secret of the admin's user name and password, managed by AWS; the bootstrap task reads it."
  value       = aws_redshiftserverless_namespace.this.admin_password_secret_arn
}

output "security_group_id" {
  description = "Security group of the workgroup."
  value       = aws_security_group.this.id
}

output "people_role_arns" {
  description = "Roles for people and tools by database role, where principals are given."
  value       = { for database_role, role in aws_iam_role.people : database_role => role.arn }
}
