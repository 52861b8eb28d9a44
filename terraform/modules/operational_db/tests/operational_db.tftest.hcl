mock_provider "aws" {
  source = "../../testing"
}

variables {
  name                      = "millrace-test"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2", "subnet-3"]
  client_security_group_ids = ["sg-pipeline", "sg-dashboards"]
  kms_key_arn               = "arn:aws:kms:us-east-1:123456789012:key/k"
}

run "private_encrypted_and_by_tls" {
  command = plan

  assert {
    condition     = !aws_db_instance.this.publicly_accessible
    error_message = "No public address."
  }
  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == var.kms_key_arn && aws_db_instance.this.performance_insights_kms_key_id == var.kms_key_arn
    error_message = "Data and performance figures are encrypted with the environment's key."
  }
  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.master_user_secret_kms_key_id == var.kms_key_arn && aws_db_instance.this.password == null
    error_message = "AWS makes and rotates the password; Terraform never sees it."
  }
  assert {
    condition     = { for p in aws_db_parameter_group.this.parameter : p.name => p.value if contains(["rds.force_ssl", "log_connections", "log_disconnections", "log_statement"], p.name) } == { "rds.force_ssl" = "1", log_connections = "1", log_disconnections = "1", log_statement = "none" }
    error_message = "TLS is required, connections are logged, statements that hold passwords are not."
  }
  assert {
    condition     = aws_db_instance.this.parameter_group_name == aws_db_parameter_group.this.name && aws_db_parameter_group.this.family == "postgres17" && aws_db_instance.this.engine_version == "17"
    error_message = "The instance uses the parameters, and they are of its version."
  }
  assert {
    condition     = aws_db_instance.this.ca_cert_identifier == "rds-ca-rsa2048-g1"
    error_message = "A certificate that the images know."
  }
}

run "only_clients_connect" {
  command = plan

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.clients : [rule.referenced_security_group_id, rule.ip_protocol, tostring(rule.from_port), tostring(rule.to_port)]] == [["sg-pipeline", "tcp", "5432", "5432"], ["sg-dashboards", "tcp", "5432", "5432"]]
    error_message = "The clients' groups, on Postgres's port; no addresses."
  }
}

run "what_is_lost_can_be_had_back" {
  command = plan

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 7 && aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "millrace-test-final" && !aws_db_instance.this.delete_automated_backups
    error_message = "Backups, protection against deletion, and a last snapshot, unless somebody asks for less."
  }
  assert {
    condition     = aws_db_instance.this.copy_tags_to_snapshot && aws_db_instance.this.auto_minor_version_upgrade && !aws_db_instance.this.allow_major_version_upgrade && aws_db_instance.this.storage_type == "gp3"
    error_message = "Minor upgrades come by themselves, major ones do not."
  }
  assert {
    condition     = toset([for group in aws_cloudwatch_log_group.this : "${group.name} ${group.retention_in_days} ${group.kms_key_id}"]) == toset([for log in ["postgresql", "upgrade"] : "/aws/rds/instance/millrace-test/${log} 365 arn:aws:kms:us-east-1:123456789012:key/k"]) && aws_db_instance.this.enabled_cloudwatch_logs_exports == toset(["postgresql", "upgrade"])
    error_message = "Logs go to encrypted groups that RDS finds by name."
  }
}

run "an_environment_that_may_be_lost" {
  command = apply

  variables {
    deletion_protection = false
    skip_final_snapshot = true
    backup_days         = 1
  }

  assert {
    condition     = aws_db_instance.this.final_snapshot_identifier == null && aws_db_instance.this.delete_automated_backups && !aws_db_instance.this.deletion_protection
    error_message = "It goes without a trace."
  }
  assert {
    condition     = output.host == aws_db_instance.this.address && output.port == 5432 && output.database == "millrace" && output.instance_id == "millrace-test" && output.admin_secret_arn != ""
    error_message = "Other modules find it."
  }
  assert {
    condition     = length(aws_iam_role.monitoring) == 0 && aws_db_instance.this.monitoring_interval == 0
    error_message = "No role that nothing uses."
  }
}

run "monitoring" {
  command = apply

  variables {
    monitoring_seconds = 60
  }

  assert {
    condition     = jsondecode(aws_iam_role.monitoring[0].assume_role_policy).Statement == [{ Effect = "Allow", Principal = { Service = "monitoring.rds.amazonaws.com" }, Action = "sts:AssumeRole", Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } } }]
    error_message = "RDS of this account only."
  }
  assert {
    condition     = aws_db_instance.this.monitoring_role_arn == aws_iam_role.monitoring[0].arn
    error_message = "The instance has the role."
  }
}

run "no_backups_is_refused" {
  command = plan

  variables {
    backup_days = 0
  }

  expect_failures = [var.backup_days]
}

run "a_disk_that_cannot_grow_is_refused" {
  command = plan

  variables {
    allocated_storage = 100
  }

  expect_failures = [var.max_allocated_storage]
}
