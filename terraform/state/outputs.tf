output "kms_key_arn" {
  description = "Its key, for state_kms_key_arn of the environments."
  value       = aws_kms_key.this.arn
}

output "bucket" {
  description = "The bucket, for `terraform init -backend-config=bucket=...`."
  value       = aws_s3_bucket.this.bucket
}
