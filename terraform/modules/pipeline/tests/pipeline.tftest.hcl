mock_provider "aws" {
  source = "../../testing"
}

variables {
  name              = "millrace-test"
  subnet_ids        = ["subnet-1", "subnet-2", "subnet-3"]
  security_group_id = "sg-1"
  kms_key_arn       = "arn:aws:kms:eu-west-1:123456789012:key/k"
  log_group         = "/millrace-test/pipeline"
  image_tag         = "0123abc"
  glue_prefix       = "millrace_test_silver_"
  lake = {
    url        = "s3://millrace-test-lake/elt"
    bucket_arn = "arn:aws:s3:::millrace-test-lake"
    prefix     = "elt"
    drops_arn  = "arn:aws:s3:::millrace-test-drops"
  }
  warehouse = {
    workgroup_name   = "millrace-test"
    workgroup_arn    = "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/w"
    endpoint         = "w.example"
    port             = 5439
    database         = "warehouse"
    serving          = "serving"
    copy_role_arn    = "arn:aws:iam::123456789012:role/millrace-test-copy"
    admin_secret_arn = "arn:admin-redshift"
  }
  operational_db     = { host = "db.example", port = 5432, database = "millrace", admin_secret_arn = "arn:admin-rds" }
  source_environment = { ELT_SHOP_URL = "https://shop.example", ELT_DB_URL = "secret:millrace-test/sources#db_url" }
  resident           = ["random_users"]
}

run "the_task_may_do_what_the_code_does" {
  command = apply

  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : alltrue([for action in flatten([s.Action]) : !strcontains(action, "*")])])
    error_message = "An action with * in the task's policy."
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : !contains(flatten([s.Resource]), "*")])
    error_message = "A statement for every resource of the account."
  }

  assert {
    condition = alltrue([
      for s in jsondecode(aws_iam_role_policy.task.policy).Statement : alltrue([for r in flatten([s.Resource]) : strcontains(r, "/landing/*/_seen/") || strcontains(r, "/_dlt_pipeline_state/") || strcontains(r, "/landing/*/_ahead/")])
      if contains(flatten([s.Action]), "s3:DeleteObject") && anytrue([for r in flatten([s.Resource]) : strcontains(r, "/landing/")])
    ])
    error_message = "Landing is append-only: the code may not delete raw rows."
  }

  assert {
    condition     = flatten([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource if s.Sid == "Secrets"]) == [for name in ["state", "pii-salt", "sources"] : "arn:aws:secretsmanager:us-east-1:123456789012:secret:millrace-test/${name}-??????"]
    error_message = "It reads its own secrets, neither the admins' nor Superset's."
  }

  assert {
    condition     = aws_iam_role.task.tags["RedshiftDbRoles"] == "loader:transformer"
    error_message = "Its login to Redshift has the two roles of a pipeline."
  }
}

run "roles_are_lent_to_this_accounts_tasks_only" {
  command = apply

  assert {
    condition = alltrue([
      for role in [aws_iam_role.task, aws_iam_role.execution, aws_iam_role.bootstrap] :
      jsondecode(role.assume_role_policy).Statement == [{
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "ecs-tasks.amazonaws.com" }
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:us-east-1:123456789012:*" }
        }
      }]
    ])
    error_message = "Somebody else than ECS in this account could take a role."
  }

  assert {
    condition = toset(flatten([
      for s in jsondecode(aws_iam_role_policy.bootstrap.policy).Statement : s.Resource if s.Sid == "Admins"
    ])) == toset(["arn:admin-redshift", "arn:admin-rds"])
    error_message = "The admins' secrets are the bootstrap's alone."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.bootstrap.policy, "/sources-")
    error_message = "The bootstrap does not touch what the team wrote."
  }
}

run "containers_cannot_write_or_rise" {
  command = apply

  assert {
    condition = alltrue(flatten([
      for task in aws_ecs_task_definition.this : [
        for c in jsondecode(task.container_definitions) : c.readonlyRootFilesystem && c.user == "10001:10001" && toset([for m in c.mountPoints : m.containerPath]) == toset(["/data", "/tmp"])
      ]
    ]))
    error_message = "A task that runs as root or writes outside its scratch folders."
  }

  assert {
    condition = alltrue(flatten([
      for task in aws_ecs_task_definition.this : [
        for c in jsondecode(task.container_definitions) : [for e in c.environment : startswith(e.value, "secret:") if can(regex("PASSWORD|SALT|POSTGRES_URL|DB_URL", e.name))]
      ]
    ]))
    error_message = "A secret's value stands in a task definition."
  }

  assert {
    condition     = alltrue([for c in jsondecode(aws_ecs_task_definition.this["pipeline"].container_definitions) : endswith(c.image, ":0123abc")])
    error_message = "A task runs the commit that was asked for."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this["resident"].container_definitions)[0].command == ["serve", "random_users"]
    error_message = "The resident task serves the sources it was given."
  }
}

run "images_and_secrets_are_kept_well" {
  command = apply

  assert {
    condition     = alltrue([for r in aws_ecr_repository.image : r.image_tag_mutability == "IMMUTABLE" && r.image_scanning_configuration[0].scan_on_push && r.encryption_configuration[0].kms_key == var.kms_key_arn])
    error_message = "Images: immutable tags, scanned, encrypted."
  }

  assert {
    condition     = alltrue([for s in aws_secretsmanager_secret.this : s.kms_key_id == var.kms_key_arn])
    error_message = "Secrets are encrypted with the project's key."
  }

  assert {
    condition     = toset(keys(aws_secretsmanager_secret.this)) == toset(["state", "superset-meta", "dashboards", "superset", "pii-salt", "sources"])
    error_message = "The secrets that the tasks name."
  }
}

run "without_a_resident_source_there_is_no_resident_task" {
  command = plan

  variables {
    resident = []
  }

  assert {
    condition     = length(aws_ecs_service.resident) == 0 && !contains(keys(aws_ecs_task_definition.this), "resident")
    error_message = "A task that serves nothing."
  }
}

run "latest_is_not_a_tag" {
  command = plan

  variables {
    image_tag = "latest"
  }

  expect_failures = [var.image_tag]
}
