# What a deployment does: push images, `terraform apply`, start one-off tasks.
locals {
  tagged = { StringEquals = { "aws:ResourceTag/Project" = var.project, "aws:ResourceTag/Environment" = var.environment } }
  asked  = { StringEquals = { "aws:RequestTag/Project" = var.project, "aws:RequestTag/Environment" = var.environment } }
  here   = { StringEquals = { "aws:RequestedRegion" = local.region } }

  of = "arn:${local.partition}" # and then :service:region:account:name
  at = "${local.region}:${local.account}"

  deploy_state = concat(local.list_state, local.state_key, [
    { Sid = "WriteState", Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = local.state_objects },
    { Sid = "LockState", Effect = "Allow", Action = "s3:DeleteObject", Resource = local.state_locks },
  ])

  deploy_images = [
    { Sid = "RegistryLogin", Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
    {
      Sid    = "PushImages"
      Effect = "Allow"
      Action = [
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImageScanFindings",
        "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:ListImages", "ecr:PutImage", "ecr:UploadLayerPart",
      ]
      Resource = [for repository in local.repositories : "${local.of}:ecr:${local.at}:repository/${repository}"]
    },
    {
      Sid    = "Repositories"
      Effect = "Allow"
      Action = [
        "ecr:CreateRepository", "ecr:DeleteLifecyclePolicy", "ecr:DeleteRepository", "ecr:DeleteRepositoryPolicy", "ecr:PutImageScanningConfiguration",
        "ecr:PutImageTagMutability", "ecr:PutLifecyclePolicy", "ecr:SetRepositoryPolicy", "ecr:TagResource", "ecr:UntagResource",
      ]
      Resource = "${local.of}:ecr:${local.at}:repository/${var.name}-*"
    },
  ]
  repositories = length(var.ecr_repositories) > 0 ? sort(var.ecr_repositories) : ["${var.name}-pipeline", "${var.name}-superset"]

  deploy_run = [
    {
      Sid       = "OneOffTasks"
      Effect    = "Allow"
      Action    = "ecs:RunTask"
      Resource  = "${local.of}:ecs:${local.at}:task-definition/${var.name}-*:*"
      Condition = { ArnEquals = { "ecs:cluster" = "${local.of}:ecs:${local.at}:cluster/${var.name}" } }
    },
    { Sid = "LogsOfTasks", Effect = "Allow", Action = "logs:GetLogEvents", Resource = local.task_logs },
    { Sid = "StopTasks", Effect = "Allow", Action = "ecs:StopTask", Resource = "${local.of}:ecs:${local.at}:task/${var.name}/*" },
    {
      # A family's new version has no name to limit it by. What a task may do is limited by the roles that can be passed.
      Sid       = "TaskDefinitions"
      Effect    = "Allow"
      Action    = ["ecs:DeregisterTaskDefinition", "ecs:RegisterTaskDefinition"]
      Resource  = "*"
      Condition = local.here
    },
    {
      Sid    = "Cluster"
      Effect = "Allow"
      Action = [
        "ecs:CreateCluster", "ecs:CreateService", "ecs:DeleteCluster", "ecs:DeleteService", "ecs:PutClusterCapacityProviders",
        "ecs:TagResource", "ecs:UntagResource", "ecs:UpdateCluster", "ecs:UpdateClusterSettings", "ecs:UpdateService",
      ]
      Resource = [
        "${local.of}:ecs:${local.at}:cluster/${var.name}", "${local.of}:ecs:${local.at}:service/${var.name}/*",
        "${local.of}:ecs:${local.at}:task-definition/${var.name}-*:*", "${local.of}:ecs:${local.at}:task/${var.name}/*",
      ]
    },
    {
      Sid    = "Schedules"
      Effect = "Allow"
      Action = [
        "events:DeleteRule", "events:DisableRule", "events:EnableRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:TagResource",
        "events:UntagResource", "scheduler:CreateSchedule", "scheduler:CreateScheduleGroup", "scheduler:DeleteSchedule",
        "scheduler:DeleteScheduleGroup", "scheduler:TagResource", "scheduler:UntagResource", "scheduler:UpdateSchedule",
        "states:CreateStateMachine", "states:DeleteStateMachine", "states:TagResource", "states:UntagResource", "states:UpdateStateMachine",
      ]
      Resource = [
        "${local.of}:events:${local.at}:rule/${var.name}*",
        "${local.of}:scheduler:${local.at}:schedule-group/${var.name}*", "${local.of}:scheduler:${local.at}:schedule/${var.name}*/*",
        "${local.of}:states:${local.at}:stateMachine:${var.name}-*",
      ]
    },
    {
      Sid    = "Watching"
      Effect = "Allow"
      Action = [
        "cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource",
        "cloudwatch:UntagResource", "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteMetricFilter",
        "logs:DeleteRetentionPolicy", "logs:PutMetricFilter", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
        "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:UntagResource",
        "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue",
      ]
      Resource = [
        "${local.of}:cloudwatch:${local.at}:alarm:${var.name}*", "${local.of}:cloudwatch::${local.account}:dashboard/${var.name}*",
        "${local.of}:logs:${local.at}:log-group:*${var.name}*", "${local.of}:sns:${local.at}:${var.name}*", "${local.of}:sqs:${local.at}:${var.name}*",
      ]
    },
    {
      Sid       = "Unsubscribe" # takes the subscription's random ARN
      Effect    = "Allow"
      Action    = ["sns:SetSubscriptionAttributes", "sns:Unsubscribe"]
      Resource  = "${local.of}:sns:${local.at}:${var.name}*"
      Condition = local.here
    },
    { Sid = "Budget", Effect = "Allow", Action = ["budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource"], Resource = "${local.of}:budgets::${local.account}:budget/${var.name}*" },
  ]

  # EC2 cannot limit the making of a network by name. It is limited to network actions and to the region, and refused for
  # whatever carries another project's or environment's tags.
  deploy_network = concat([
    {
      Sid    = "Network"
      Effect = "Allow"
      Action = [
        "ec2:AllocateAddress", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateFlowLogs", "ec2:CreateInternetGateway", "ec2:CreateNatGateway", "ec2:CreateRoute",
        "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateTags", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
        "ec2:DeleteFlowLogs", "ec2:DeleteInternetGateway", "ec2:DeleteNatGateway", "ec2:DeleteRoute", "ec2:DeleteRouteTable",
        "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteTags", "ec2:DeleteVpc", "ec2:DeleteVpcEndpoints",
        "ec2:DetachInternetGateway", "ec2:DisassociateAddress", "ec2:DisassociateRouteTable", "ec2:ModifySecurityGroupRules",
        "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint", "ec2:ReleaseAddress", "ec2:ReplaceRoute",
        "ec2:ReplaceRouteTableAssociation", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
        "ec2:UpdateSecurityGroupRuleDescriptionsEgress", "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
      ]
      Resource  = "*"
      Condition = local.here
    },
    {
      Sid       = "NotOtherProjects"
      Effect    = "Deny"
      Action    = "ec2:*"
      Resource  = "*"
      Condition = { StringNotEquals = { "aws:ResourceTag/Project" = var.project }, Null = { "aws:ResourceTag/Project" = "false" } }
    },
    {
      Sid       = "NotOtherEnvironments"
      Effect    = "Deny"
      Action    = "ec2:*"
      Resource  = "*"
      Condition = { StringNotEquals = { "aws:ResourceTag/Environment" = var.environment }, Null = { "aws:ResourceTag/Environment" = "false" } }
    },
    {
      Sid    = "LoadBalancer"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:DeleteRule", "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyListener*",
        "elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:ModifyRule", "elasticloadbalancing:ModifyTargetGroup*",
        "elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets", "elasticloadbalancing:SetWebAcl",
      ]
      Resource = [for kind in ["listener-rule/app", "listener/app", "loadbalancer/app", "targetgroup"] : "${local.of}:elasticloadbalancing:${local.at}:${kind}/${var.name}*"]
    },
    {
      Sid       = "Certificates"
      Effect    = "Allow"
      Action    = ["acm:AddTagsToCertificate", "acm:RequestCertificate"]
      Resource  = "*"
      Condition = local.asked
    },
    { Sid = "OwnCertificates", Effect = "Allow", Action = "acm:DeleteCertificate", Resource = "*", Condition = local.tagged },
    ], length(var.hosted_zone_arns) == 0 ? [] : [
    { Sid = "Names", Effect = "Allow", Action = "route53:ChangeResourceRecordSets", Resource = sort(var.hosted_zone_arns) },
  ])
}
