data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region

  prefix = "elt"
  names = {
    lake  = "${var.name}-lake-${local.account}"
    drops = "${var.name}-drops-${local.account}"
    logs  = "${var.name}-logs-${local.account}"
  }
  arns = { for key, name in local.names : key => "arn:${local.partition}:s3:::${name}" }
}

resource "aws_s3_bucket" "lake" {
  #checkov:skip=CKV_AWS_144:One region is a choice: what was landed is in this bucket and in its source, versions guard against deletion, a copy would double storage and spread personal rows.
  #checkov:skip=CKV2_AWS_62:Nothing waits for objects of the lake; only files that others drop start a run.
  bucket        = local.names.lake
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket" "drops" {
  #checkov:skip=CKV_AWS_144:A dropped file is landed within minutes and its sender has it; a second copy elsewhere would outlive it.
  bucket        = local.names.drops
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket" "logs" {
  #checkov:skip=CKV_AWS_18:A bucket that logs its own reads and writes into itself grows for ever.
  #checkov:skip=CKV_AWS_144:Logs of one region, kept for a fixed time.
  #checkov:skip=CKV_AWS_145:S3's and the load balancer's log delivery write to buckets with S3's own keys (SSE-S3) only.
  #checkov:skip=CKV2_AWS_62:Nothing waits for logs.
  bucket        = local.names.logs
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_versioning" "drops" {
  bucket = aws_s3_bucket.drops.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id

  rule {
    bucket_key_enabled = true # one call of KMS per bucket and hour, not one per object

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "drops" {
  bucket = aws_s3_bucket.drops.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_logging" "lake" {
  bucket        = aws_s3_bucket.lake.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "s3/${local.names.lake}/"

  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_s3_bucket_logging" "drops" {
  bucket        = aws_s3_bucket.drops.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "s3/${local.names.drops}/"

  depends_on = [aws_s3_bucket_policy.logs]
}

# A file that arrives becomes an event: module schedule starts the source's run from it.
resource "aws_s3_bucket_notification" "drops" {
  bucket      = aws_s3_bucket.drops.id
  eventbridge = true
}
