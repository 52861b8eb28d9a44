# GitHub Actions logs in to two roles by its own identity tokens (OIDC): there is no key to keep, rotate or lose.
data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region

  github       = "token.actions.githubusercontent.com"
  provider_arn = var.create_oidc_provider ? aws_iam_openid_connect_provider.github[0].arn : "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.github}"

  # What the token must say, word for word. A pull request from a fork gets no token.
  subjects = {
    plan   = ["repo:${var.github_repository}:environment:${var.environment}-plan"]
    deploy = ["repo:${var.github_repository}:environment:${var.environment}"]
  }

  state_prefix  = coalesce(var.state_prefix, "${var.environment}/")
  state_objects = "${var.state_bucket_arn}/${local.state_prefix}*"
  state_locks   = "${var.state_bucket_arn}/${local.state_prefix}*.tflock"

  task_logs = [for use in ["pipeline", "superset"] : "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/${var.name}/${use}:*"]

  boundary_arn = "arn:${local.partition}:iam::${local.account}:policy/${var.name}-boundary"
}

# One per account. Without thumbprints: AWS checks GitHub's certificate against its own list of authorities.
resource "aws_iam_openid_connect_provider" "github" {
  count          = var.create_oidc_provider ? 1 : 0
  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "ci" {
  #checkov:skip=CKV_AWS_393:Checkov reads the repository as the empty default of an environment; its form is checked by the variable, the subject word by word by the test.
  for_each             = local.subjects
  name                 = "${var.name}-${each.key}"
  description          = "GitHub Actions of ${var.github_repository}: ${each.key}"
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.github}:aud" = "sts.amazonaws.com"
          "${local.github}:sub" = each.value
        }
      }
    }]
  })
}

resource "aws_iam_policy" "ci" {
  #checkov:skip=CKV_AWS_290:Making a thing cannot be limited to a thing that is not there yet; names, tags and region limit what AWS lets be limited.
  #checkov:skip=CKV_AWS_355:Describing and making are not limited to resources in most services; what can be is.
  #checkov:skip=CKV_AWS_288:What reads data is denied outright in statement Never.
  #checkov:skip=CKV_AWS_289:Roles may be managed under this environment's name and boundary only.
  for_each    = local.policies
  name        = "${var.name}-ci-${each.key}"
  description = "GitHub Actions: ${each.key}"
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })

  lifecycle {
    precondition {
      condition     = length(jsonencode({ Version = "2012-10-17", Statement = each.value.statements })) <= 6144
      error_message = "IAM takes 6144 characters a policy; ${each.key} has more: move statements to another one."
    }
  }
}

resource "aws_iam_role_policy_attachment" "ci" {
  for_each   = local.policies
  role       = aws_iam_role.ci[each.value.role].name
  policy_arn = aws_iam_policy.ci[each.key].arn
}

locals {
  policies = merge({
    plan-read      = { role = "plan", statements = concat(local.plan_state, local.plan_read, local.never) }
    deploy-run     = { role = "deploy", statements = concat(local.deploy_state, local.deploy_images, local.deploy_run, local.never) }
    deploy-network = { role = "deploy", statements = local.deploy_network }
    deploy-data    = { role = "deploy", statements = local.deploy_data }
    deploy-roles   = { role = "deploy", statements = local.deploy_roles }
    deploy-read    = { role = "deploy", statements = local.plan_read }
  }, length(var.extra_deploy_statements) == 0 ? {} : { deploy-extra = { role = "deploy", statements = var.extra_deploy_statements } })

  # Neither role reads what the pipeline keeps: no rows, no secrets, no logins. A task can; see the README. Log lines only of
  # the tasks that a deployment starts: who reads that one failed must read why.
  never = [{
    Sid    = "Never"
    Effect = "Deny"
    Action = [
      "rds:DownloadCompleteDBLogFile", "rds:DownloadDBLogFilePortion", "rds-data:*", "rds-db:connect",
      "redshift-data:*", "redshift-serverless:GetCredentials", "redshift:GetClusterCredentials*",
      "secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "ssm:GetParameter*",
    ]
    Resource = "*"
    }, {
    Sid         = "NeverLogsOfOthers"
    Effect      = "Deny"
    Action      = ["logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogRecord", "logs:GetQueryResults", "logs:StartLiveTail", "logs:StartQuery"]
    NotResource = local.task_logs
    }, {
    Sid         = "NeverRows"
    Effect      = "Deny"
    Action      = ["s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*", "s3:RestoreObject"]
    NotResource = local.state_objects
  }]
}
