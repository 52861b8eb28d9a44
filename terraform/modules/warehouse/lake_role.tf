# The role by which Redshift itself reads and writes the lake: the rows that wait in staging, what it unloads for the
# operational Postgres, and doctor's one row. Landing, with its personal rows, is out of its reach.
locals {
  bucket  = var.bucket_arn
  staging = "${var.prefix}/staging"
  silver  = "${var.prefix}/silver"

  lake_statements = concat([
    {
      Sid       = "ListStaging"
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = local.bucket
      Condition = { StringLike = { "s3:prefix" = concat(["${local.staging}/*"], var.spectrum ? ["${local.silver}/*"] : []) } }
    },
    {
      Sid      = "FindBucket"
      Effect   = "Allow"
      Action   = "s3:GetBucketLocation" # COPY refuses Parquet of another region, so it asks
      Resource = local.bucket
    },
    {
      Sid      = "ReadStaging"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = concat(["${local.bucket}/${local.staging}/*"], var.spectrum ? ["${local.bucket}/${local.silver}/*"] : [])
    },
    {
      Sid      = "Unload"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = ["${local.bucket}/${local.staging}/_doctor/*", "${local.bucket}/${local.staging}/_unload/*"]
    },
    {
      Sid       = "LakeKey"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = var.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
    },
    ], var.spectrum ? [{
      Sid    = "SilverInCatalog"
      Effect = "Allow"
      Action = ["glue:GetDatabase", "glue:GetDatabases", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
      Resource = [
        "arn:${local.partition}:glue:${local.region}:${local.account}:catalog",
        "arn:${local.partition}:glue:${local.region}:${local.account}:database/${var.glue_prefix}*",
        "arn:${local.partition}:glue:${local.region}:${local.account}:table/${var.glue_prefix}*/*",
      ]
  }] : [])
}

resource "aws_iam_role" "copy" {
  name                 = "${var.name}-redshift-lake"
  description          = "Redshift reads staging from the lake and unloads into it"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"] }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "copy" {
  name   = "lake"
  role   = aws_iam_role.copy.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.lake_statements })
}
