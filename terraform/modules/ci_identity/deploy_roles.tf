# Roles: only under this environment's name, only with the boundary, and not the ones that GitHub itself logs in to.
locals {
  own_roles    = "${local.of}:iam::${local.account}:role/${var.name}-*"
  own_policies = "${local.of}:iam::${local.account}:policy/${var.name}-*"
  bounded      = var.require_permissions_boundary ? { Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } } } : {}

  passed_to = [
    "ecs-tasks.amazonaws.com", "events.amazonaws.com", "monitoring.rds.amazonaws.com", "redshift-serverless.amazonaws.com",
    "redshift.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com", "vpc-flow-logs.amazonaws.com",
  ]

  deploy_roles = [
    merge({
      Sid      = "BoundedRoles"
      Effect   = "Allow"
      Action   = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      Resource = local.own_roles
    }, local.bounded),
    {
      Sid      = "Roles"
      Effect   = "Allow"
      Action   = ["iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"]
      Resource = local.own_roles
    },
    {
      Sid      = "Policies"
      Effect   = "Allow"
      Action   = ["iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:TagPolicy", "iam:UntagPolicy"]
      Resource = local.own_policies
    },
    {
      Sid       = "PassRoles"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = local.own_roles
      Condition = { StringEquals = { "iam:PassedToService" = local.passed_to } }
    },
    {
      Sid       = "ServiceLinkedRoles"
      Effect    = "Allow"
      Action    = "iam:CreateServiceLinkedRole"
      Resource  = "${local.of}:iam::${local.account}:role/aws-service-role/*"
      Condition = { StringEquals = { "iam:AWSServiceName" = ["ecs.amazonaws.com", "elasticloadbalancing.amazonaws.com", "rds.amazonaws.com", "redshift.amazonaws.com"] } }
    },
    {
      # Changing these would be changing one's own permissions. They are changed by a person.
      Sid       = "NotItself"
      Effect    = "Deny"
      NotAction = ["iam:Get*", "iam:List*"]
      Resource = [
        "${local.of}:iam::${local.account}:oidc-provider/*", "${local.of}:iam::${local.account}:policy/${var.name}-boundary",
        "${local.of}:iam::${local.account}:policy/${var.name}-ci-*", "${local.of}:iam::${local.account}:role/${var.name}-deploy",
        "${local.of}:iam::${local.account}:role/${var.name}-plan",
      ]
    },
    { Sid = "BoundariesStay", Effect = "Deny", Action = "iam:DeleteRolePermissionsBoundary", Resource = "*" },
  ]
}

# What no role of this environment can ever do, whatever its own policy says: touch identities, other services, other
# environments' secrets. Without it, who can write a role's policy can write himself an administrator.
resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_290:A boundary grants nothing: it is the most that roles' own policies may grant.
  #checkov:skip=CKV_AWS_288:As above.
  #checkov:skip=CKV_AWS_289:As above.
  #checkov:skip=CKV_AWS_355:As above.
  name        = "${var.name}-boundary"
  description = "The most that a role of ${var.name} can be allowed"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "OwnBuckets", Effect = "Allow", Action = "s3:*", Resource = ["arn:${local.partition}:s3:::${var.name}-*", "arn:${local.partition}:s3:::${var.name}-*/*"] },
      { Sid = "BucketsOfSources", Effect = "Allow", Action = ["s3:GetBucketLocation", "s3:GetObject*", "s3:ListBucket"], Resource = "*" },
      { Sid = "Keys", Effect = "Allow", Action = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"], Resource = "*" },
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret*"]
        Resource = [for prefix in ["${var.name}/", "rds!", "redshift!"] : "${local.of}:secretsmanager:${local.at}:secret:${prefix}*"]
      },
      {
        Sid    = "Services"
        Effect = "Allow"
        Action = [
          "cloudwatch:PutMetricData", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer",
          "ecs:DescribeTasks", "ecs:RunTask", "ecs:StopTask", "ecs:TagResource", "events:DescribeRule", "events:PutEvents", "events:PutRule", "events:PutTargets", "glue:*Database*", "glue:*Partition*", "glue:*Table*",
          "logs:*", "redshift-serverless:Get*", "redshift-serverless:List*", "sns:Publish", "sqs:*", "ssmmessages:*", "sts:GetCallerIdentity",
        ]
        Resource = "*"
      },
      { Sid = "PassOwnRoles", Effect = "Allow", Action = "iam:PassRole", Resource = local.own_roles },
      { Sid = "NoIdentities", Effect = "Deny", NotAction = "iam:PassRole", Resource = "${local.of}:iam::*:*" },
    ]
  })
}
