data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  glue     = "arn:${data.aws_partition.current.partition}:glue:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  lake_url = trimsuffix(var.lake_url, "/")
}

# The pipeline would make a missing database itself, without a location or tags; name and place are the ones it uses
# (dlt_sources/_steps/silver/silver.py), so whoever comes first, there is one.
resource "aws_glue_catalog_database" "silver" {
  for_each     = var.sources
  name         = "${var.glue_prefix}${each.key}"
  description  = "Silver of ${try(each.value.description, each.key)}: accepted rows as Iceberg tables, made by ${var.name}"
  location_uri = "${local.lake_url}/silver/${each.key}"
}

# One setting for the whole account and region: it changes every team's catalog, and every role that reads a table then
# needs the key. So it is off, and whoever turns it on speaks for the account. The catalog holds names and places, no rows.
resource "aws_glue_data_catalog_encryption_settings" "account" {
  count = var.encrypt_catalog ? 1 : 0

  data_catalog_encryption_settings {
    connection_password_encryption {
      aws_kms_key_id                       = var.kms_key_arn
      return_connection_password_encrypted = true
    }

    encryption_at_rest {
      catalog_encryption_mode = "SSE-KMS"
      sse_aws_kms_key_id      = var.kms_key_arn
    }
  }
}
