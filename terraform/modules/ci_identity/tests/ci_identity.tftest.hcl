mock_provider "aws" {
  source = "../../testing"
}

variables {
  name              = "millrace-test"
  environment       = "test"
  github_repository = "acme/millrace"
  state_bucket_arn  = "arn:aws:s3:::state"
}

run "tokens_word_for_word" {
  command = plan

  variables {
    create_oidc_provider = false
  }

  assert {
    condition = { for role in aws_iam_role.ci : role.name => jsondecode(role.assume_role_policy).Statement } == {
      for role, subject in { plan = ["repo:acme/millrace:environment:test-plan"], deploy = ["repo:acme/millrace:environment:test"] } : "millrace-test-${role}" => [{
        Effect    = "Allow"
        Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = { StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com", "token.actions.githubusercontent.com:sub" = subject } }
      }]
    }
    error_message = "Pull requests plan, the environment's jobs deploy, nothing else of GitHub gets in: equal strings, no patterns."
  }
  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "The account's provider is used, not made a second time."
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.ci : role.max_session_duration == 3600])
    error_message = "A login lasts an hour."
  }
}

run "the_accounts_provider" {
  command = apply

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "GitHub's tokens for AWS."
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.ci : jsondecode(role.assume_role_policy).Statement[0].Principal.Federated == aws_iam_openid_connect_provider.github[0].arn])
    error_message = "The roles trust it."
  }
  assert {
    condition     = toset([for name, attached in aws_iam_role_policy_attachment.ci : name]) == toset(["plan-read", "deploy-run", "deploy-network", "deploy-data", "deploy-roles", "deploy-read"])
    error_message = "Plan has one policy, deploy the others."
  }
}

run "repositories_with_ids" {
  command = plan

  variables {
    github_repository    = "acme@123456/millrace@456789"
    create_oidc_provider = false
  }

  assert {
    condition     = jsondecode(aws_iam_role.ci["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:acme@123456/millrace@456789:environment:test"]
    error_message = "Subjects with immutable ids."
  }
}

run "plan_changes_nothing_but_its_lock" {
  command = plan

  assert {
    condition = alltrue([
      for action in flatten([for s in jsondecode(aws_iam_policy.ci["plan-read"].policy).Statement : s.Action if s.Effect == "Allow" && !contains(["LockState", "StateKey"], s.Sid)]) :
      can(regex("^[a-z0-9-]+:(Describe|Get|List|ViewBudget)", action)) || action == "states:ValidateStateMachineDefinition" # of a text
    ])
    error_message = "Reading, only."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_policy.ci["plan-read"].policy).Statement : [s.Action, s.Resource] if s.Sid == "LockState"]) == [["s3:DeleteObject", "s3:PutObject"], "arn:aws:s3:::state/test/*.tflock"]
    error_message = "It writes the lock, not the state."
  }
  assert {
    condition     = toset([for s in jsondecode(aws_iam_policy.ci["plan-read"].policy).Statement : s.Resource if s.Effect == "Allow" && contains(flatten([try(s.Action, [])]), "s3:GetObject")]) == toset(["arn:aws:s3:::state/test/*"])
    error_message = "The only objects it reads are this environment's state."
  }
  assert {
    condition = length(setintersection(
      toset(flatten([for s in jsondecode(aws_iam_policy.ci["plan-read"].policy).Statement : s.Action if s.Effect == "Allow"])),
      toset(["*", "s3:*", "s3:Get*", "s3:List*", "kms:*", "secretsmanager:*", "secretsmanager:Get*", "logs:*", "logs:Get*", "ssm:*", "glue:*", "iam:*"])
    )) == 0
    error_message = "No wildcard that would reach data."
  }
}

run "neither_role_reads_data" {
  command = plan

  assert {
    condition = alltrue([
      for policy in ["plan-read", "deploy-run"] : alltrue([
        for action in ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "redshift-serverless:GetCredentials", "redshift-data:*", "rds-data:*", "ssm:GetParameter*"] :
        contains(one([for s in jsondecode(aws_iam_policy.ci[policy].policy).Statement : s.Action if s.Sid == "Never" && s.Effect == "Deny" && try(s.Resource, "") == "*"]), action)
      ])
    ])
    error_message = "Secrets, logins and queries are denied, whatever else is granted."
  }
  assert {
    condition = alltrue([
      for policy in ["plan-read", "deploy-run"] : one([for s in jsondecode(aws_iam_policy.ci[policy].policy).Statement : s.NotResource if s.Sid == "NeverLogsOfOthers" && s.Effect == "Deny" && contains(flatten([s.Action]), "logs:GetLogEvents")]) == [
        "arn:aws:logs:us-east-1:123456789012:log-group:/millrace-test/pipeline:*", "arn:aws:logs:us-east-1:123456789012:log-group:/millrace-test/superset:*"
      ]
    ])
    error_message = "Of log lines, only those of the tasks that a deployment starts."
  }
  assert {
    condition = alltrue([
      for policy in ["plan-read", "deploy-run"] :
      one([for s in jsondecode(aws_iam_policy.ci[policy].policy).Statement : [s.Effect, s.Action, s.NotResource] if s.Sid == "NeverRows"]) == ["Deny", ["s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*", "s3:RestoreObject"], "arn:aws:s3:::state/test/*"]
    ])
    error_message = "Objects other than the state's are denied."
  }
}

run "deploy_stays_in_its_environment" {
  command = plan

  assert {
    condition     = one([for s in jsondecode(aws_iam_policy.ci["deploy-run"].policy).Statement : [s.Resource, s.Condition] if s.Sid == "OneOffTasks"]) == ["arn:aws:ecs:us-east-1:123456789012:task-definition/millrace-test-*:*", { ArnEquals = { "ecs:cluster" = "arn:aws:ecs:us-east-1:123456789012:cluster/millrace-test" } }]
    error_message = "Tasks of this project on this cluster."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_policy.ci["deploy-run"].policy).Statement : s.Resource if s.Sid == "PushImages"]) == ["arn:aws:ecr:us-east-1:123456789012:repository/millrace-test-pipeline", "arn:aws:ecr:us-east-1:123456789012:repository/millrace-test-superset"]
    error_message = "Images go to the two repositories."
  }
  assert {
    condition = alltrue(flatten([
      for name in ["deploy-run", "deploy-network", "deploy-data", "deploy-roles"] : [
        for s in jsondecode(aws_iam_policy.ci[name].policy).Statement :
        s.Sid == "RegistryLogin" || can(s.Condition) || alltrue([for arn in flatten([s.Resource]) : length(regexall("millrace-test|:catalog$|/silver_|arn:aws:s3:::state|secret:(rds|redshift)!", arn)) > 0])
        if s.Effect == "Allow"
      ]
    ]))
    error_message = "What is allowed is limited by this environment's name or by a condition."
  }
  assert {
    condition = { for s in jsondecode(aws_iam_policy.ci["deploy-network"].policy).Statement : s.Sid => s.Condition if s.Effect == "Deny" } == {
      NotOtherProjects     = { StringNotEquals = { "aws:ResourceTag/Project" = "millrace" }, Null = { "aws:ResourceTag/Project" = "false" } }
      NotOtherEnvironments = { StringNotEquals = { "aws:ResourceTag/Environment" = "test" }, Null = { "aws:ResourceTag/Environment" = "false" } }
    }
    error_message = "Networks of other projects and environments are out of reach."
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_policy.ci["deploy-data"].policy).Statement : s.Condition.StringEquals["aws:ResourceTag/Environment"] == "test" if contains(["Key", "KeyForServices", "KeyGrants", "Warehouse"], s.Sid)])
    error_message = "Keys and warehouses have no names in ARNs: tags limit them."
  }
}

run "deploy_cannot_raise_itself" {
  command = plan

  variables {
    require_permissions_boundary = true
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_policy.ci["deploy-roles"].policy).Statement : s.Condition if s.Sid == "BoundedRoles"]) == { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::123456789012:policy/millrace-test-boundary" } }
    error_message = "Roles are made and given policies only with the boundary."
  }
  assert {
    condition     = alltrue([for action in ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"] : [for s in jsondecode(aws_iam_policy.ci["deploy-roles"].policy).Statement : s.Sid if s.Effect == "Allow" && contains(flatten([try(s.Action, [])]), action)] == ["BoundedRoles"]])
    error_message = "No other statement lets it by."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_policy.ci["deploy-roles"].policy).Statement : s.Condition if s.Sid == "PassRoles"]) == { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "events.amazonaws.com", "monitoring.rds.amazonaws.com", "redshift-serverless.amazonaws.com", "redshift.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com", "vpc-flow-logs.amazonaws.com"] } }
    error_message = "Roles are passed to the services that use them."
  }
  assert {
    condition = one([for s in jsondecode(aws_iam_policy.ci["deploy-roles"].policy).Statement : s if s.Sid == "NotItself"]) == {
      Sid = "NotItself", Effect = "Deny", NotAction = ["iam:Get*", "iam:List*"]
      Resource = [
        "arn:aws:iam::123456789012:oidc-provider/*", "arn:aws:iam::123456789012:policy/millrace-test-boundary", "arn:aws:iam::123456789012:policy/millrace-test-ci-*",
        "arn:aws:iam::123456789012:role/millrace-test-deploy", "arn:aws:iam::123456789012:role/millrace-test-plan",
      ]
    }
    error_message = "Its own roles, policies, boundary and the provider it only looks at."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_policy.ci["deploy-roles"].policy).Statement : [s.Effect, s.Action, s.Resource] if s.Sid == "BoundariesStay"]) == ["Deny", "iam:DeleteRolePermissionsBoundary", "*"]
    error_message = "A boundary is never taken off."
  }
}

run "the_boundary_reaches_no_identities" {
  command = plan

  assert {
    condition     = [for s in jsondecode(aws_iam_policy.boundary.policy).Statement : [s.NotAction, s.Resource] if s.Effect == "Deny"] == [["iam:PassRole", "arn:aws:iam::*:*"]]
    error_message = "No role of the environment changes or assumes another."
  }
  assert {
    condition     = [for action in flatten([for s in jsondecode(aws_iam_policy.boundary.policy).Statement : s.Action if s.Effect == "Allow"]) : action if startswith(action, "iam:") || action == "*" || startswith(action, "sts:Assume")] == ["iam:PassRole"]
    error_message = "It grants no identities either."
  }
}

run "policies_fit" {
  command = plan

  variables {
    state_kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/state"
    hosted_zone_arns        = ["arn:aws:route53:::hostedzone/Z1"]
    extra_deploy_statements = [{ Sid = "Extra", Effect = "Allow", Action = "wafv2:AssociateWebACL", Resource = "*" }]
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.ci)[*].policy, [aws_iam_policy.boundary.policy]) : length(policy) <= 6144])
    error_message = "IAM takes 6144 characters a policy."
  }
  assert {
    condition     = contains(keys(aws_iam_policy.ci), "deploy-extra")
    error_message = "A team can add statements."
  }
}

run "a_pattern_is_not_a_repository" {
  command = plan

  variables {
    github_repository = "acme/*"
  }

  expect_failures = [var.github_repository]
}

run "a_pattern_is_not_an_environment" {
  command = plan

  variables {
    environment = "*"
  }

  expect_failures = [var.environment]
}
