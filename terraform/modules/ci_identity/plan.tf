# What `terraform plan` asks for: how things are set up, not what is in them. AWS's own ReadOnlyAccess would read every
# object of every bucket.
locals {
  state_key = var.state_kms_key_arn == null ? [] : [{
    Sid       = "StateKey"
    Effect    = "Allow"
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = var.state_kms_key_arn
    Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
  }]

  list_state = [{
    Sid       = "ListState"
    Effect    = "Allow"
    Action    = "s3:ListBucket"
    Resource  = var.state_bucket_arn
    Condition = { StringLike = { "s3:prefix" = ["${local.state_prefix}*", "env:/"] } }
  }]

  plan_state = concat(local.list_state, local.state_key, [
    { Sid = "ReadState", Effect = "Allow", Action = "s3:GetObject", Resource = local.state_objects },
    { Sid = "LockState", Effect = "Allow", Action = ["s3:DeleteObject", "s3:PutObject"], Resource = local.state_locks },
  ])

  plan_read = [{
    Sid    = "Settings"
    Effect = "Allow"
    Action = [
      "acm:DescribeCertificate", "acm:ListTagsForCertificate", "acm:ListCertificates",
      "application-autoscaling:Describe*", "application-autoscaling:ListTagsForResource",
      "budgets:ListTagsForResource", "budgets:ViewBudget",
      "cloudwatch:Describe*", "cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource",
      "ec2:Describe*", "ec2:GetManagedPrefixListEntries",
      "ecr:DescribeRepositories", "ecr:DescribeImages", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource",
      "ecs:Describe*", "ecs:List*",
      "elasticloadbalancing:Describe*",
      "events:Describe*", "events:List*",
      "glue:GetDatabase", "glue:GetDatabases", "glue:GetDataCatalogEncryptionSettings", "glue:GetTags",
      "iam:GetOpenIDConnectProvider", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies", "iam:ListEntitiesForPolicy", "iam:ListInstanceProfilesForRole", "iam:ListOpenIDConnectProviders",
      "iam:ListPolicyTags", "iam:ListPolicyVersions", "iam:ListRolePolicies", "iam:ListRoleTags",
      "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListResourceTags",
      "logs:Describe*", "logs:ListTagsForResource",
      "rds:Describe*", "rds:ListTagsForResource",
      "redshift-serverless:GetNamespace", "redshift-serverless:GetUsageLimit", "redshift-serverless:GetWorkgroup",
      "redshift-serverless:List*",
      "route53:GetChange", "route53:GetHostedZone", "route53:ListHostedZones*", "route53:ListResourceRecordSets", "route53:ListTagsForResource",
      "s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration", "s3:ListTagsForResource",
      "scheduler:GetSchedule", "scheduler:GetScheduleGroup", "scheduler:ListTagsForResource", "scheduler:ListSchedules",
      "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
      "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource",
      "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags",
      "states:DescribeStateMachine", "states:ListStateMachineVersions", "states:ListTagsForResource", "states:ValidateStateMachineDefinition",
      "wafv2:GetLoggingConfiguration", "wafv2:GetWebACL", "wafv2:GetWebACLForResource", "wafv2:ListTagsForResource",
    ]
    Resource = "*"
    }, {
    # Whether a bucket is there is asked by this permission, too. With it the names of its objects can be listed; what is
    # in them cannot be read.
    Sid      = "BucketsAreThere"
    Effect   = "Allow"
    Action   = "s3:ListBucket"
    Resource = "arn:${local.partition}:s3:::${var.name}-*"
  }]
}
