output "kms_key_arn" {
  description = "ARN of the environment's key."
  value       = aws_kms_key.this.arn
}

output "bucket" {
  description = "Name of the lake's bucket."
  value       = aws_s3_bucket.lake.bucket
}

output "bucket_arn" {
  description = "ARN of the lake's bucket."
  value       = aws_s3_bucket.lake.arn
}

output "prefix" {
  description = "Prefix of the lake's objects, without slashes."
  value       = local.prefix
}

output "lake_url" {
  description = "The lake as ELT_LAKE_URL names it."
  value       = "s3://${aws_s3_bucket.lake.bucket}/${local.prefix}"
}

output "drops_bucket" {
  description = "Name of the bucket that others drop files in."
  value       = aws_s3_bucket.drops.bucket
}

output "drops_bucket_arn" {
  description = "ARN of the bucket that others drop files in."
  value       = aws_s3_bucket.drops.arn
}

output "logs_bucket" {
  description = "Name of the bucket for access logs of buckets and load balancers; its policy is in force."
  value       = aws_s3_bucket.logs.bucket

  depends_on = [aws_s3_bucket_policy.logs] # a load balancer tries to write before it is made
}
