# Who may not: the public, ACLs, and connections without TLS 1.2. Who may is said by the roles' own policies.
resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_public_access_block" "drops" {
  bucket                  = aws_s3_bucket.drops.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  bucket = aws_s3_bucket.lake.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_ownership_controls" "drops" {
  bucket = aws_s3_bucket.drops.id

  rule {
    object_ownership = "BucketOwnerEnforced" # a file that another account drops is ours
  }
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

locals {
  tls_only = {
    for key, arn in local.arns : key => [
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [arn, "${arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "OnlyTls12AndLater"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [arn, "${arn}/*"]
        Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
      },
    ]
  }

  # A writer that asks for S3's own keys (ELT_KMS_KEY not set) is refused; one that asks for nothing gets the bucket's key.
  only_kms = [{
    Sid       = "OnlyKms"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:PutObject"
    Resource  = "${local.arns.lake}/*"
    Condition = {
      StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
      Null            = { "s3:x-amz-server-side-encryption" = "false" }
    }
  }]

  drops_writers = length(var.drops_writers) == 0 ? [] : [{
    Sid       = "WritersOfDrops"
    Effect    = "Allow"
    Principal = { AWS = sort(var.drops_writers) }
    Action    = ["s3:PutObject", "s3:AbortMultipartUpload"]
    Resource  = "${local.arns.drops}/*"
  }]

  log_delivery = [
    {
      Sid       = "AccessLogsOfBuckets"
      Effect    = "Allow"
      Principal = { Service = "logging.s3.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${local.arns.logs}/s3/*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = [local.arns.drops, local.arns.lake] }
      }
    },
    {
      Sid       = "AccessLogsOfLoadBalancers"
      Effect    = "Allow"
      Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = ["${local.arns.logs}/AWSLogs/${local.account}/*", "${local.arns.logs}/*/AWSLogs/${local.account}/*"]
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:loadbalancer/*" }
      }
    },
  ]
}

resource "aws_s3_bucket_policy" "lake" {
  bucket = aws_s3_bucket.lake.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.tls_only.lake, local.only_kms) })

  depends_on = [aws_s3_bucket_public_access_block.lake] # S3 refuses two changes of a bucket's access at once
}

resource "aws_s3_bucket_policy" "drops" {
  bucket = aws_s3_bucket.drops.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.tls_only.drops, local.drops_writers) })

  depends_on = [aws_s3_bucket_public_access_block.drops]
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.tls_only.logs, local.log_delivery) })

  depends_on = [aws_s3_bucket_public_access_block.logs]
}
