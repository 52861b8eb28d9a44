# The environment's one key: objects, Redshift, RDS, secrets, images, logs, alarms. One key is one place to see who reads
# what, and one dollar.
locals {
  cluster = { "kms:EncryptionContext:aws:ecs:clusterAccount" = local.account, "kms:EncryptionContext:aws:ecs:clusterName" = var.name }

  key_statements = concat([
    {
      Sid       = "AccountDecidesByIam"
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
      Action    = "kms:*"
      Resource  = "*"
    },
    {
      Sid       = "LogGroupsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "logs.${local.region}.amazonaws.com" }
      Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
      Resource  = "*"
      Condition = {
        ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*" }
      }
    },
    {
      Sid       = "NoticesToEncryptedTopics"
      Effect    = "Allow"
      Principal = { Service = sort(var.publishers) }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    },
    {
      # Without a condition on the account: EventBridge does not send one when it publishes to an encrypted topic, and
      # every event would be lost. Which rules may send is said by the policies of the topic and of the queue.
      Sid       = "EventsToEncryptedTopicsAndQueues"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
    },
    {
      # The tasks' scratch disks. The cluster is named, so no other cluster's tasks can use the key.
      Sid       = "FargateDisks"
      Effect    = "Allow"
      Principal = { Service = "fargate.amazonaws.com" }
      Action    = "kms:GenerateDataKeyWithoutPlaintext"
      Resource  = "*"
      Condition = { StringEquals = local.cluster }
    },
    {
      Sid       = "FargateDisksGrants"
      Effect    = "Allow"
      Principal = { Service = "fargate.amazonaws.com" }
      Action    = "kms:CreateGrant"
      Resource  = "*"
      Condition = {
        StringEquals                = local.cluster
        "ForAllValues:StringEquals" = { "kms:GrantOperations" = ["Decrypt"] }
      }
    },
    ], length(var.drops_writers) == 0 ? [] : [{
      Sid       = "WritersOfDrops"
      Effect    = "Allow"
      Principal = { AWS = sort(var.drops_writers) }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = "*"
      Condition = {
        StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" }
        StringLike   = { "kms:EncryptionContext:aws:s3:arn" = "${local.arns.drops}*" }
      }
  }])
}

resource "aws_kms_key" "this" {
  description             = "${var.name}: everything at rest"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_days
  policy                  = jsonencode({ Version = "2012-10-17", Statement = local.key_statements })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
