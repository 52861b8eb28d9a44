mock_provider "aws" {
  source = "../../testing"
}

variables {
  name                      = "millrace-test"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2", "subnet-3"]
  client_security_group_ids = ["sg-pipeline", "sg-dashboards"]
  kms_key_arn               = "arn:aws:kms:us-east-1:123456789012:key/k"
  bucket_arn                = "arn:aws:s3:::lake"
}

run "private_encrypted_and_by_tls" {
  command = plan

  assert {
    condition     = !aws_redshiftserverless_workgroup.this.publicly_accessible && aws_redshiftserverless_workgroup.this.enhanced_vpc_routing
    error_message = "Redshift is reached inside the VPC only, and reaches S3 through it."
  }
  assert {
    condition     = { for p in aws_redshiftserverless_workgroup.this.config_parameter : p.parameter_key => p.parameter_value if contains(["require_ssl", "enable_user_activity_logging", "max_query_execution_time"], p.parameter_key) } == { require_ssl = "true", enable_user_activity_logging = "true", max_query_execution_time = "3600" }
    error_message = "TLS is required, queries are logged and end."
  }
  assert {
    condition     = aws_redshiftserverless_namespace.this.kms_key_id == var.kms_key_arn && aws_redshiftserverless_namespace.this.manage_admin_password && aws_redshiftserverless_namespace.this.admin_password_secret_kms_key_id == var.kms_key_arn
    error_message = "Data and the managed password are encrypted with the environment's key."
  }
  assert {
    condition     = aws_redshiftserverless_namespace.this.admin_user_password == null
    error_message = "No password in Terraform."
  }
  assert {
    condition     = aws_redshiftserverless_namespace.this.log_exports == toset(["connectionlog", "useractivitylog", "userlog"])
    error_message = "All three audit logs."
  }
  assert {
    condition     = toset([for group in aws_cloudwatch_log_group.audit : "${group.name} ${group.retention_in_days} ${group.kms_key_id}"]) == toset([for log in ["connectionlog", "useractivitylog", "userlog"] : "/aws/redshift/millrace-test/${log} 365 arn:aws:kms:us-east-1:123456789012:key/k"])
    error_message = "Into encrypted groups that Redshift finds by name, not kept for ever."
  }
}

run "the_bill_is_capped" {
  command = plan

  assert {
    condition     = [aws_redshiftserverless_workgroup.this.base_capacity, aws_redshiftserverless_workgroup.this.max_capacity] == [4, 8]
    error_message = "The least capacity, and not more than twice as much."
  }
  assert {
    condition     = [aws_redshiftserverless_usage_limit.daily.usage_type, aws_redshiftserverless_usage_limit.daily.period, aws_redshiftserverless_usage_limit.daily.breach_action] == ["serverless-compute", "daily", "deactivate"] && aws_redshiftserverless_usage_limit.daily.amount == 24
    error_message = "After 24 RPU-hours of a day no query runs."
  }
}

run "only_clients_connect" {
  command = plan

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.clients : [rule.referenced_security_group_id, rule.ip_protocol, tostring(rule.from_port), tostring(rule.to_port)]] == [["sg-pipeline", "tcp", "5439", "5439"], ["sg-dashboards", "tcp", "5439", "5439"]]
    error_message = "The clients' groups, on Redshift's port; no addresses."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.https.from_port == 443 && aws_vpc_security_group_egress_rule.https.to_port == 443
    error_message = "Out by HTTPS only."
  }
}

run "redshift_reads_staging_only" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.copy.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Principal = { Service = ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"] }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }]
    error_message = "Redshift of this account, nobody else."
  }
  assert {
    condition     = toset(flatten([for s in jsondecode(aws_iam_role_policy.copy.policy).Statement : s.Action])) == toset(["s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"])
    error_message = "What COPY and UNLOAD need, and not more."
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.copy.policy).Statement : s.Sid => s.Resource } == {
      ListStaging = "arn:aws:s3:::lake"
      FindBucket  = "arn:aws:s3:::lake"
      ReadStaging = ["arn:aws:s3:::lake/elt/staging/*"]
      Unload      = ["arn:aws:s3:::lake/elt/staging/_doctor/*", "arn:aws:s3:::lake/elt/staging/_unload/*"]
      LakeKey     = "arn:aws:kms:us-east-1:123456789012:key/k"
    }
    error_message = "Landing is out of reach; writing is for UNLOAD and doctor."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.copy.policy).Statement : s.Condition if s.Sid == "ListStaging"] == [{ StringLike = { "s3:prefix" = ["elt/staging/*"] } }]
    error_message = "Names of other objects cannot be listed."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.copy.policy).Statement : s.Condition if s.Sid == "LakeKey"]) == { StringEquals = { "kms:ViaService" = "s3.us-east-1.amazonaws.com" } }
    error_message = "The key by way of S3 only."
  }
}

run "spectrum_reads_silver_too" {
  command = plan

  variables {
    spectrum    = true
    glue_prefix = "silver_test_"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.copy.policy).Statement : s.Resource if s.Sid == "ReadStaging"]) == ["arn:aws:s3:::lake/elt/staging/*", "arn:aws:s3:::lake/elt/silver/*"]
    error_message = "Silver, still not landing."
  }
  assert {
    condition     = alltrue([for action in one([for s in jsondecode(aws_iam_role_policy.copy.policy).Statement : s.Action if s.Sid == "SilverInCatalog"]) : startswith(action, "glue:Get")]) && contains(one([for s in jsondecode(aws_iam_role_policy.copy.policy).Statement : s.Resource if s.Sid == "SilverInCatalog"]), "arn:aws:glue:us-east-1:123456789012:database/silver_test_*")
    error_message = "The catalog is read, not written."
  }
}

run "nobody_gets_a_role_unasked" {
  command = plan

  assert {
    condition     = length(aws_iam_role.people) == 0
    error_message = "Without principals there is no role."
  }
}

run "people_become_a_database_role" {
  command = apply

  variables {
    transformer_principals = ["arn:aws:iam::123456789012:role/engineers"]
    bi_principals          = ["arn:aws:iam::123456789012:role/analysts"]
  }

  assert {
    condition     = { for role in aws_iam_role.people : role.name => role.tags.RedshiftDbRoles } == { "millrace-test-transformer" = "transformer", "millrace-test-bi" = "bi" }
    error_message = "The tag lends the database role."
  }
  assert {
    condition     = jsondecode(aws_iam_role.people["bi"].assume_role_policy).Statement == [{ Effect = "Allow", Principal = { AWS = ["arn:aws:iam::123456789012:role/analysts"] }, Action = "sts:AssumeRole" }]
    error_message = "Only the named principals, and without session tags, which would override the role's."
  }
  assert {
    condition     = alltrue([for policy in aws_iam_role_policy.people : [for s in jsondecode(policy.policy).Statement : [s.Action, s.Resource]] == [[["redshift-serverless:GetCredentials", "redshift-serverless:GetWorkgroup"], aws_redshiftserverless_workgroup.this.arn]]])
    error_message = "They may log in to this workgroup, nothing else."
  }
  assert {
    condition     = output.endpoint == aws_redshiftserverless_workgroup.this.endpoint[0].address && output.database == "warehouse" && output.port == 5439
    error_message = "Other modules find the endpoint."
  }
}

run "two_subnets_are_refused" {
  command = plan

  variables {
    subnet_ids = ["subnet-1", "subnet-2"]
  }

  expect_failures = [var.subnet_ids]
}

run "odd_capacity_is_refused" {
  command = plan

  variables {
    base_rpu = 6
  }

  expect_failures = [var.base_rpu]
}

run "a_cap_below_the_base_is_refused" {
  command = plan

  variables {
    base_rpu = 16
  }

  expect_failures = [aws_redshiftserverless_workgroup.this]
}
