mock_provider "aws" {
  source = "../../testing"
}

variables {
  name = "millrace-test"
  sources = {
    deftunes_api = {
      description = "API"
      tables = {
        users         = { endpoint = { path = "users" }, key = ["user_id"] }
        sessions      = { endpoint = { path = "sessions" }, key = ["session_id"] }
        session_items = { from = "sessions", explode = "session_items" }
      }
    }
    sales = {
      description = "Files"
      tables      = { order_lines = { files = "*.csv" } }
    }
  }
  landing_days           = 30
  silver_noncurrent_days = 14
  drops_days             = 20
  log_days               = 90
}

run "buckets_are_private_encrypted_and_versioned" {
  command = apply

  assert {
    condition     = [aws_s3_bucket.lake.bucket, aws_s3_bucket.drops.bucket, aws_s3_bucket.logs.bucket] == ["millrace-test-lake-123456789012", "millrace-test-drops-123456789012", "millrace-test-logs-123456789012"]
    error_message = "Buckets are <name>-<use>-<account>."
  }
  assert {
    condition     = !aws_s3_bucket.lake.force_destroy && !aws_s3_bucket.drops.force_destroy && !aws_s3_bucket.logs.force_destroy
    error_message = "Data is not deleted with its bucket unless somebody asks for it."
  }
  assert {
    condition = alltrue([
      for block in [aws_s3_bucket_public_access_block.lake, aws_s3_bucket_public_access_block.drops, aws_s3_bucket_public_access_block.logs] :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "All four public access blocks are on, on each bucket."
  }
  assert {
    condition = alltrue([
      for encryption in [aws_s3_bucket_server_side_encryption_configuration.lake, aws_s3_bucket_server_side_encryption_configuration.drops] :
      alltrue([for rule in encryption.rule : rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == aws_kms_key.this.arn])
    ])
    error_message = "Lake and drops are encrypted with the environment's key, with a bucket key."
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "Log delivery cannot write with a KMS key."
  }
  assert {
    condition     = alltrue([for versioning in [aws_s3_bucket_versioning.lake, aws_s3_bucket_versioning.drops, aws_s3_bucket_versioning.logs] : versioning.versioning_configuration[0].status == "Enabled"])
    error_message = "Each bucket keeps versions."
  }
  assert {
    condition     = alltrue([for owner in [aws_s3_bucket_ownership_controls.lake, aws_s3_bucket_ownership_controls.drops, aws_s3_bucket_ownership_controls.logs] : owner.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "ACLs are off."
  }
  assert {
    condition     = aws_s3_bucket_logging.lake.target_bucket == aws_s3_bucket.logs.id && aws_s3_bucket_logging.drops.target_bucket == aws_s3_bucket.logs.id
    error_message = "Reads and writes are logged."
  }
  assert {
    condition     = aws_s3_bucket_notification.drops.eventbridge
    error_message = "A dropped file becomes an event."
  }
  assert {
    condition     = output.lake_url == "s3://millrace-test-lake-123456789012/elt" && output.prefix == "elt"
    error_message = "The lake's objects lie under elt/."
  }
}

run "only_tls_12" {
  command = plan

  assert {
    condition = alltrue([
      for name, policy in { lake = aws_s3_bucket_policy.lake.policy, drops = aws_s3_bucket_policy.drops.policy, logs = aws_s3_bucket_policy.logs.policy } :
      [for s in jsondecode(policy).Statement : s.Condition if s.Effect == "Deny" && s.Principal == "*" && s.Action == "s3:*" && s.Resource == ["arn:aws:s3:::millrace-test-${name}-123456789012", "arn:aws:s3:::millrace-test-${name}-123456789012/*"]]
      == [{ Bool = { "aws:SecureTransport" = "false" } }, { NumericLessThan = { "s3:TlsVersion" = "1.2" } }]
    ])
    error_message = "Each bucket and all its objects refuse connections without TLS and with TLS before 1.2."
  }
  assert {
    condition     = length([for s in concat(jsondecode(aws_s3_bucket_policy.lake.policy).Statement, jsondecode(aws_s3_bucket_policy.drops.policy).Statement) : s if s.Effect == "Allow"]) == 0
    error_message = "Nobody is let in by a bucket policy."
  }
  assert {
    condition = [for s in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : [s.Principal.Service, s.Action, s.Condition.StringEquals["aws:SourceAccount"]] if s.Effect == "Allow"] == [
      ["logging.s3.amazonaws.com", "s3:PutObject", "123456789012"],
      ["logdelivery.elasticloadbalancing.amazonaws.com", "s3:PutObject", "123456789012"],
    ]
    error_message = "Only the two log deliveries write logs, only for this account, and read nothing."
  }
  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement : s if s.Sid == "OnlyKms"]).Condition == { StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }, Null = { "s3:x-amz-server-side-encryption" = "false" } }
    error_message = "A writer that asks for another encryption is refused."
  }
}

run "key_is_for_this_account" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_alias.this.name == "alias/millrace-test"
    error_message = "The key rotates and has the environment's name."
  }
  assert {
    condition     = [for s in jsondecode(aws_kms_key.this.policy).Statement : try(s.Principal.AWS, s.Principal.Service)] == ["arn:aws:iam::123456789012:root", "logs.us-east-1.amazonaws.com", ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"], "events.amazonaws.com", "fargate.amazonaws.com", "fargate.amazonaws.com"]
    error_message = "The account, its logs, its budget and alarms, its events and its tasks' disks use the key; nobody else."
  }
  assert {
    condition     = one([for s in jsondecode(aws_kms_key.this.policy).Statement : s if s.Sid == "LogGroupsOfThisAccount"]).Condition == { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:us-east-1:123456789012:log-group:*" } }
    error_message = "CloudWatch Logs may use the key for log groups of this account and region only."
  }
  assert {
    condition     = one([for s in jsondecode(aws_kms_key.this.policy).Statement : s if s.Sid == "NoticesToEncryptedTopics"]).Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    error_message = "Alarms of this account only."
  }
  assert {
    condition     = toset(flatten([for s in jsondecode(aws_kms_key.this.policy).Statement : s.Action if contains(["NoticesToEncryptedTopics", "EventsToEncryptedTopicsAndQueues"], s.Sid)])) == toset(["kms:Decrypt", "kms:GenerateDataKey*"])
    error_message = "Publishing needs two permissions of the key."
  }
}

run "lifecycle" {
  command = plan

  assert {
    condition = toset([for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.filter[0].prefix if startswith(rule.id, "landing-") && length(rule.expiration) > 0]) == toset([
      "elt/landing/deftunes_api/users/", "elt/landing/deftunes_api/users__",
      "elt/landing/deftunes_api/sessions/", "elt/landing/deftunes_api/sessions__",
      "elt/landing/sales/order_lines/", "elt/landing/sales/order_lines__",
    ])
    error_message = "Each table that is read expires, in both forms of its folder; one made from another table has no folder."
  }
  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.expiration[0].days == 30 && rule.status == "Enabled" if startswith(rule.id, "landing-") && length(rule.expiration) > 0])
    error_message = "Raw rows go after landing_days."
  }
  assert {
    condition = alltrue(flatten([
      for memory in ["elt/landing/deftunes_api/_dlt_loads/x", "elt/landing/deftunes_api/_dlt_pipeline_state/x", "elt/landing/deftunes_api/_dlt_version/x", "elt/landing/sales/_dlt_loads/x", "elt/landing/sales/_seen/x", "elt/landing/sales/init"] : [
        for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : !startswith(memory, rule.filter[0].prefix)
        if length(rule.expiration) > 0 && rule.id != "unfinished-uploads-and-markers"
      ]
    ]))
    error_message = "What the pipeline remembers never expires."
  }
  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.expiration[0].expired_object_delete_marker if rule.id == "unfinished-uploads-and-markers"]) && length(local.expiring) == length([for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule if length(rule.expiration) > 0]) - 1
    error_message = "The rule for the whole bucket removes markers, not objects."
  }
  assert {
    condition = {
      for prefix in ["elt/landing/", "elt/staging/", "elt/silver/", "elt/_doctor/"] :
      prefix => one([for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.filter[0].prefix == prefix])
    } == { "elt/landing/" = 1, "elt/staging/" = 1, "elt/silver/" = 14, "elt/_doctor/" = 1 }
    error_message = "A row deleted from landing or staging is gone the day after; silver's can be brought back for a while."
  }
  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.id => rule.expiration[0].days if contains(["seen", "staging", "doctor"], rule.id) } == { seen = 30, staging = 2, doctor = 1 }
    error_message = "What is on its way goes after two days, the doctor's after one; what reads remembered at the old place after landing_days."
  }
  assert {
    condition     = one(one([for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.transition if rule.id == "silver"])).storage_class == "INTELLIGENT_TIERING" && length([for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule if startswith("elt/silver/x", rule.filter[0].prefix) && length(rule.expiration) > 0]) == 1
    error_message = "Silver is tiered and its current objects never expire."
  }
  assert {
    condition     = alltrue([for config in [aws_s3_bucket_lifecycle_configuration.lake, aws_s3_bucket_lifecycle_configuration.drops, aws_s3_bucket_lifecycle_configuration.logs] : anytrue([for rule in config.rule : rule.filter[0].prefix == "" && try(rule.abort_incomplete_multipart_upload[0].days_after_initiation, 0) == 2])])
    error_message = "Unfinished uploads go after two days, everywhere."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.drops.rule[0].expiration[0].days == 20 && aws_s3_bucket_lifecycle_configuration.logs.rule[0].expiration[0].days == 90
    error_message = "Dropped files and logs go after their days."
  }
}

run "writers_of_drops_only_write" {
  command = plan

  variables {
    drops_writers = ["arn:aws:iam::210987654321:role/erp"]
  }

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.drops.policy).Statement : s if s.Effect == "Allow"]) == { Sid = "WritersOfDrops", Effect = "Allow", Principal = { AWS = ["arn:aws:iam::210987654321:role/erp"] }, Action = ["s3:PutObject", "s3:AbortMultipartUpload"], Resource = "arn:aws:s3:::millrace-test-drops-123456789012/*" }
    error_message = "A writer may write, not read."
  }
  assert {
    condition     = one([for s in jsondecode(aws_kms_key.this.policy).Statement : s if s.Sid == "WritersOfDrops"]).Condition.StringLike["kms:EncryptionContext:aws:s3:arn"] == "arn:aws:s3:::millrace-test-drops-123456789012*"
    error_message = "A writer may use the key for that bucket only."
  }
}

run "an_account_cannot_write_drops" {
  command = plan

  variables {
    drops_writers = ["arn:aws:iam::210987654321:root"]
  }

  expect_failures = [var.drops_writers]
}

run "landing_must_expire" {
  command = plan

  variables {
    landing_days = 0
  }

  expect_failures = [var.landing_days]
}

run "more_tables_than_s3_has_rules_for" {
  command = plan

  variables {
    sources = { for n in range(100) : "source_${n}" => {
      description = "Many", tables = { for t in range(5) : "table_${t}" => { endpoint = { path = "x" }, key = ["id"] } }
    } }
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.lake]
}

run "what_was_read_ahead_and_not_landed_goes_after_a_week" {
  command = apply

  variables {
    sources = {
      with_days    = { description = "D", connector = "rest_api", tables = { t = { cursor = "at", endpoint = { path = "t" } }, u = { endpoint = { path = "u" } } } }
      without_days = { description = "W", connector = "rest_api", tables = { t = { endpoint = { path = "t" } } } }
      of_files     = { description = "F", connector = "files", tables = { t = { files = "t_{month}.csv" } } }
    }
  }

  assert {
    condition = { for rule in aws_s3_bucket_lifecycle_configuration.lake.rule : rule.filter[0].prefix => rule.expiration[0].days if endswith(rule.id, "-ahead") } == {
      "elt/landing/with_days/_ahead/" = 7
      "elt/landing/of_files/_ahead/"  = 7
    }
    error_message = "Raw rows that nobody lands stay a week, of the sources that can be read ahead."
  }
}
