mock_provider "aws" {
  source = "../../testing"
}

variables {
  name     = "millrace-test"
  lake_url = "s3://lake/elt/"
  sources = {
    sales        = { description = "Files", tables = {} }
    deftunes_api = { tables = {} }
  }
}

run "one_database_per_source_where_the_pipeline_writes" {
  command = apply

  assert {
    condition     = { for source, database in aws_glue_catalog_database.silver : database.name => database.location_uri } == { silver_sales = "s3://lake/elt/silver/sales", silver_deftunes_api = "s3://lake/elt/silver/deftunes_api" }
    error_message = "Name and place are those of dlt_sources/_steps/silver/silver.py."
  }
  assert {
    condition     = output.databases == { sales = "silver_sales", deftunes_api = "silver_deftunes_api" }
    error_message = "Other modules find a source's database."
  }
  assert {
    condition     = [output.catalog_arn, output.database_arns, output.table_arns] == ["arn:aws:glue:us-east-1:123456789012:catalog", ["arn:aws:glue:us-east-1:123456789012:database/silver_*"], ["arn:aws:glue:us-east-1:123456789012:table/silver_*/*"]]
    error_message = "Policies reach this project's databases only."
  }
  assert {
    condition     = length(aws_glue_data_catalog_encryption_settings.account) == 0
    error_message = "The account's setting is left alone."
  }
}

run "prefix_keeps_environments_apart" {
  command = plan

  variables {
    glue_prefix = "silver_dev_"
  }

  assert {
    condition     = [for database in aws_glue_catalog_database.silver : database.name] == ["silver_dev_deftunes_api", "silver_dev_sales"]
    error_message = "Two environments in one account do not share databases."
  }
}

run "the_account_can_be_encrypted" {
  command = plan

  variables {
    encrypt_catalog = true
    kms_key_arn     = "arn:aws:kms:us-east-1:123456789012:key/k"
  }

  assert {
    condition     = one(aws_glue_data_catalog_encryption_settings.account).data_catalog_encryption_settings[0].encryption_at_rest[0].sse_aws_kms_key_id == "arn:aws:kms:us-east-1:123456789012:key/k"
    error_message = "With the given key."
  }
}

run "encryption_needs_a_key" {
  command = plan

  variables {
    encrypt_catalog = true
  }

  expect_failures = [var.kms_key_arn]
}

run "an_empty_prefix_is_refused" {
  command = plan

  variables {
    glue_prefix = ""
  }

  expect_failures = [var.glue_prefix]
}
