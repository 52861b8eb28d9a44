# How long what is kept. Landing holds personal rows as they came, so it is short; what the pipeline remembers beside it
# (<source>/_dlt_*, <source>/_seen/) must never expire: without it, a source would be read from its beginning.
locals {
  # Rows of files lie in one folder per set of columns, <table>__<hash>, beside the table's own.
  landed = merge([
    for source, declared in var.sources : {
      for table, declaration in declared.tables : "${source}-${table}" => "${local.prefix}/landing/${source}/${table}"
      if try(declaration.from, null) == null # made from another table's rows: nothing of its own lands
    }
  ]...)

  expiring = merge(
    { for name, place in local.landed : "landing-${name}" => { prefix = "${place}/", days = var.landing_days } },
    { for name, place in local.landed : "landing-${name}-shapes" => { prefix = "${place}__", days = var.landing_days } },
    # Web pages as they came, beside the tables that were read from them.
    { for source, declared in var.sources : "landing-${source}-pages" => { prefix = "${local.prefix}/landing/${source}/_pages/", days = var.landing_days } if try(declared.connector, "") == "html_table" },
    # What was read ahead for a backfill and not landed; only what has days is read so.
    { for source, declared in var.sources : "landing-${source}-ahead" => { prefix = "${local.prefix}/landing/${source}/_ahead/", days = 7 } if try(declared.connector, "") == "files" || anytrue([for table in declared.tables : can(table.cursor)]) },
    {
      # What reads remembered before it lay with its source, whole rows among it. What they still need, they have copied.
      seen    = { prefix = "${local.prefix}/landing/_seen/", days = var.landing_days }
      staging = { prefix = "${local.prefix}/staging/", days = 2 } # a COPY reads it at once; two days to look at a failure
      doctor  = { prefix = "${local.prefix}/_doctor/", days = 1 }
    },
  )
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id

  rule {
    id     = "unfinished-uploads-and-markers"
    status = "Enabled"

    filter {
      prefix = ""
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  dynamic "rule" {
    for_each = local.expiring

    content {
      id     = rule.key
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      expiration {
        days = rule.value.days
      }

      noncurrent_version_expiration {
        noncurrent_days = 1 # a deleted personal row must really be gone
      }
    }
  }

  rule {
    id     = "landing-replaced" # all of landing, with what is remembered: the version before goes, the current one stays
    status = "Enabled"

    filter {
      prefix = "${local.prefix}/landing/"
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  rule {
    id     = "silver"
    status = "Enabled"

    filter {
      prefix = "${local.prefix}/silver/"
    }

    transition {
      days          = var.silver_tiering_days
      storage_class = "INTELLIGENT_TIERING"
    }

    noncurrent_version_expiration {
      noncurrent_days = var.silver_noncurrent_days
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.expiring) + 3 <= 1000
      error_message = "S3 takes 1,000 rules a bucket, and ${length(local.landed)} landed tables need ${length(local.expiring) + 3}: split the sources into two environments, each with a lake of its own."
    }
  }

  depends_on = [aws_s3_bucket_versioning.lake]
}

resource "aws_s3_bucket_lifecycle_configuration" "drops" {
  bucket = aws_s3_bucket.drops.id

  rule {
    id     = "dropped-files"
    status = "Enabled"

    filter {
      prefix = ""
    }

    expiration {
      days = var.drops_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  depends_on = [aws_s3_bucket_versioning.drops]
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    id     = "logs"
    status = "Enabled"

    filter {
      prefix = ""
    }

    expiration {
      days = var.log_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  depends_on = [aws_s3_bucket_versioning.logs]
}
