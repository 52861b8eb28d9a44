output "bucket" {
  description = "The bucket, for `terraform init -backend-config=bucket=...`."
  value       = aws_s3_bucket.this.bucket
}
