output "databases" {
  description = "Name of the Glue database by source."
  value       = { for source, database in aws_glue_catalog_database.silver : source => database.name }
}

output "database_arns" {
  description = "ARN patterns of all databases that begin with the prefix: also those of sources to come, and of `doctor`."
  value       = ["${local.glue}:database/${var.glue_prefix}*"]
}

output "table_arns" {
  description = "ARN patterns of these databases' tables."
  value       = ["${local.glue}:table/${var.glue_prefix}*/*"]
}

output "catalog_arn" {
  description = "ARN of the account's catalog, which policies for databases and tables name, too."
  value       = "${local.glue}:catalog"
}
