data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.region

  # Only ECS, only for tasks of this account: nobody else's task can borrow a role (the confused deputy).
  ecs_tasks = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${local.region}:${local.account}:*" }
      }
    }]
  })
}

# The pipeline's own role: exactly what the code calls. tests/aws runs the pipeline under this policy and fails when a
# call is refused or a permission is never used.
resource "aws_iam_role" "task" {
  name                 = "${var.name}-pipeline"
  permissions_boundary = var.permissions_boundary_arn
  description          = "The pipeline's tasks"
  assume_role_policy   = local.ecs_tasks
  tags = {
    RedshiftDbRoles = "loader:transformer" # GetCredentials lends these database roles to the login
  }
}

resource "aws_iam_role_policy" "task" {
  name = "pipeline"
  role = aws_iam_role.task.id
  policy = templatefile("${path.module}/task_policy.json.tftpl", {
    bucket_arn    = var.lake.bucket_arn
    prefix        = var.lake.prefix
    drops_arn     = var.lake.drops_arn
    kms_key_arn   = var.kms_key_arn
    catalog_arn   = "arn:${local.partition}:glue:${local.region}:${local.account}"
    glue_prefix   = var.glue_prefix
    workgroup_arn = var.warehouse.workgroup_arn
    secret_arns   = jsonencode([for name in ["state", "pii-salt", "sources"] : local.secret_arns[name]])
  })
}

# What ECS itself does before a task starts: pull the image, open the log.
resource "aws_iam_role" "execution" {
  name                 = "${var.name}-execution"
  permissions_boundary = var.permissions_boundary_arn
  description          = "ECS, to start the tasks"
  assume_role_policy   = local.ecs_tasks
}

resource "aws_iam_role_policy" "execution" {
  name = "start"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Login"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*" # has no narrower form
      },
      {
        Sid      = "Pull"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [for repository in aws_ecr_repository.image : repository.arn]
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/${var.name}/*"
      },
    ]
  })
}

# The bootstrap task holds the keys of both databases' admins; the pipeline never does.
resource "aws_iam_role" "bootstrap" {
  name                 = "${var.name}-bootstrap"
  permissions_boundary = var.permissions_boundary_arn
  description          = "The one-off task that makes databases, users and passwords"
  assume_role_policy   = local.ecs_tasks
}

resource "aws_iam_role_policy" "bootstrap" {
  name = "bootstrap"
  role = aws_iam_role.bootstrap.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Admins"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = [var.warehouse.admin_secret_arn, var.operational_db.admin_secret_arn]
      },
      {
        Sid      = "Passwords"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
        Resource = [for name, arn in local.secret_arns : arn if name != "sources"]
      },
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = var.kms_key_arn
      },
    ]
  })
}
