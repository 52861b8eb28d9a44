data "aws_caller_identity" "this" {}

# EventBridge, to start the pipeline's task and nothing else.
resource "aws_iam_role" "starter" {
  name                 = "${var.name}-starter"
  permissions_boundary = var.permissions_boundary_arn
  description          = "EventBridge, to start the pipeline's tasks"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["scheduler.amazonaws.com", "events.amazonaws.com"] }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "starter" {
  name = "start"
  role = aws_iam_role.starter.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Start"
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = [var.task_definition_arn, "${var.task_definition_arn}:*"]
        Condition = { ArnEquals = { "ecs:cluster" = var.cluster_arn } }
      },
      {
        Sid       = "Tag"
        Effect    = "Allow"
        Action    = "ecs:TagResource"
        Resource  = "*"
        Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
      },
      {
        Sid       = "Lend"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = [var.task_role_arn, var.execution_role_arn]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        Sid      = "Unstarted"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.unstarted.arn
      },
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.kms_key_arn
      },
    ]
  })
}

# What could not be started in an hour: an alarm looks at it. The next schedule catches up; a file can be read by hand.
resource "aws_sqs_queue" "unstarted" {
  name                      = "${var.name}-unstarted"
  message_retention_seconds = 1209600
  kms_master_key_id         = var.kms_key_arn
}

resource "aws_sqs_queue_policy" "unstarted" {
  queue_url = aws_sqs_queue.unstarted.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventBridge"
      Effect    = "Allow"
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.unstarted.arn
      Principal = { Service = "events.amazonaws.com" }
      Condition = { ArnEquals = { "aws:SourceArn" = [for rule in aws_cloudwatch_event_rule.dropped : rule.arn] } }
    }]
  })
}
