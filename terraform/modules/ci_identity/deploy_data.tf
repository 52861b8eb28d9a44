# Stores: their settings, never what is in them (main.tf denies that outright).
locals {
  deploy_data = [
    {
      Sid    = "Buckets"
      Effect = "Allow"
      Action = [
        "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucket*", "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration", "s3:TagResource", "s3:UntagResource",
      ]
      Resource = "arn:${local.partition}:s3:::${var.name}-*"
    },
    { Sid = "NewKey", Effect = "Allow", Action = ["kms:CreateKey", "kms:TagResource"], Resource = "*", Condition = local.asked },
    {
      Sid    = "Key"
      Effect = "Allow"
      Action = [
        "kms:CreateAlias", "kms:DeleteAlias", "kms:DisableKeyRotation", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion",
        "kms:CancelKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
      ]
      Resource  = "${local.of}:kms:${local.at}:key/*"
      Condition = local.tagged
    },
    { Sid = "KeyAlias", Effect = "Allow", Action = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"], Resource = "${local.of}:kms:${local.at}:alias/${var.name}" },
    {
      # RDS, Redshift, ECR and the rest take the key in the name of whoever makes them.
      Sid       = "KeyForServices"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "${local.of}:kms:${local.at}:key/*"
      Condition = { StringEquals = merge(local.tagged.StringEquals, { "kms:ViaService" = [for service in ["ecr", "rds", "redshift-serverless", "scheduler", "secretsmanager", "sns", "sqs"] : "${service}.${local.region}.amazonaws.com"] }) }
    },
    {
      Sid       = "KeyGrants"
      Effect    = "Allow"
      Action    = "kms:CreateGrant"
      Resource  = "${local.of}:kms:${local.at}:key/*"
      Condition = merge(local.tagged, { Bool = { "kms:GrantIsForAWSResource" = "true" } })
    },
    {
      Sid    = "Catalog"
      Effect = "Allow"
      Action = ["glue:CreateDatabase", "glue:DeleteDatabase", "glue:TagResource", "glue:UntagResource", "glue:UpdateDatabase"]
      Resource = [
        "${local.of}:glue:${local.at}:catalog", "${local.of}:glue:${local.at}:database/${var.glue_prefix}*",
        "${local.of}:glue:${local.at}:table/${var.glue_prefix}*/*", "${local.of}:glue:${local.at}:userDefinedFunction/${var.glue_prefix}*/*",
      ]
    },
    { Sid = "NewWarehouse", Effect = "Allow", Action = ["redshift-serverless:CreateNamespace", "redshift-serverless:CreateWorkgroup", "redshift-serverless:TagResource"], Resource = "*", Condition = local.asked },
    {
      Sid    = "Warehouse"
      Effect = "Allow"
      Action = [
        "redshift-serverless:CreateWorkgroup", "redshift-serverless:DeleteNamespace", "redshift-serverless:DeleteWorkgroup", "redshift-serverless:TagResource",
        "redshift-serverless:UntagResource", "redshift-serverless:UpdateNamespace", "redshift-serverless:UpdateWorkgroup",
      ]
      Resource  = ["${local.of}:redshift-serverless:${local.at}:namespace/*", "${local.of}:redshift-serverless:${local.at}:workgroup/*"]
      Condition = local.tagged
    },
    { Sid = "WarehouseLimits", Effect = "Allow", Action = ["redshift-serverless:CreateUsageLimit", "redshift-serverless:DeleteUsageLimit", "redshift-serverless:UpdateUsageLimit"], Resource = "*", Condition = local.here },
    {
      Sid    = "Database"
      Effect = "Allow"
      Action = [
        "rds:AddTagsToResource", "rds:CreateDBInstance", "rds:CreateDBParameterGroup", "rds:CreateDBSnapshot", "rds:CreateDBSubnetGroup", "rds:DeleteDBInstance",
        "rds:DeleteDBParameterGroup", "rds:DeleteDBSubnetGroup", "rds:ModifyDBInstance", "rds:ModifyDBParameterGroup", "rds:ModifyDBSubnetGroup",
        "rds:RebootDBInstance", "rds:RemoveTagsFromResource", "rds:ResetDBParameterGroup",
      ]
      Resource = [for kind in ["db", "pg", "snapshot", "subgrp"] : "${local.of}:rds:${local.at}:${kind}:${var.name}*"]
    },
    {
      # Empty ones: values are written by the bootstrap task and by people. rds! and redshift! are the admins' passwords.
      Sid    = "Secrets"
      Effect = "Allow"
      Action = [
        "secretsmanager:CreateSecret", "secretsmanager:DeleteResourcePolicy", "secretsmanager:DeleteSecret", "secretsmanager:PutResourcePolicy",
        "secretsmanager:RestoreSecret", "secretsmanager:RotateSecret", "secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
      ]
      Resource = [for prefix in ["${var.name}/", "rds!", "redshift!"] : "${local.of}:secretsmanager:${local.at}:secret:${prefix}*"]
    },
  ]
}
