# A span too large for one task: its pieces are read side by side into the lake, each by a task, and landed by one, in their order.
#
# An inline Map, not a distributed one: that one starts executions of its own, for which its role must be allowed to start any,
# and pays off beyond 40 tasks at a time or some 2,000 pieces. Long before, the source is what cannot answer more.
locals {
  # Commands are made here, from single values: an input names a source and days, and can say no other command.
  read = "States.Array('backfill', $.source, '--since', $.since, '--until', $.until, '--batch', $.batch, '--read-ahead')"
  land = "States.Array('backfill', $.source, '--since', $.since, '--until', $.until, '--days', $.days, '--batch', $.batch, '--wait', '${var.wait_seconds}')"

  task = {
    for name, command in { read = local.read, land = local.land } : name => {
      LaunchType                = "FARGATE"
      Cluster                   = var.cluster_arn
      TaskDefinition            = var.task_definition_arn
      PropagateTags             = "TASK_DEFINITION"
      NetworkConfiguration = {
        AwsvpcConfiguration = { Subnets = var.subnet_ids, SecurityGroups = [var.security_group_id], AssignPublicIp = "DISABLED" }
      }
      Overrides = { ContainerOverrides = [{ Name = "pipeline", "Command.$" = command }] }
    }
  }

  definition = {
    Comment = "The option --dry-run of a backfill prints the input"
    StartAt = "ReadAhead"
    States = {
      ReadAhead = {
        Type           = "Map"
        ItemsPath      = "$.ranges"
        MaxConcurrency = var.tasks
        ItemSelector = {
          "source.$" = "$.source"
          "batch.$"  = "$.batch"
          "since.$"  = "$$.Map.Item.Value.since"
          "until.$"  = "$$.Map.Item.Value.until"
        }
        ItemProcessor = {
          ProcessorConfig = { Mode = "INLINE" }
          StartAt         = "Read"
          States = {
            Read = {
              Type           = "Task"
              Resource       = "arn:${data.aws_partition.this.partition}:states:::ecs:runTask.sync"
              Parameters     = local.task.read
              TimeoutSeconds = var.piece_hours * 3600
              ResultPath     = null # what ECS says of a task is longer than what an execution may hold of all of them
              Retry          = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 60, MaxAttempts = 3, BackoffRate = 2, JitterStrategy = "FULL" }]
              Catch          = [{ ErrorEquals = ["States.ALL"], ResultPath = null, Next = "LeftToItsTurn" }]
              End            = true
            }
            LeftToItsTurn = { Type = "Pass", Comment = "The task that lands reads the piece itself, and says what is wrong", End = true }
          }
        }
        ResultPath = null
        Next       = "Land"
      }
      Land = {
        Type           = "Task"
        Resource       = "arn:${data.aws_partition.this.partition}:states:::ecs:runTask.sync"
        Parameters     = local.task.land
        TimeoutSeconds = var.land_hours * 3600
        ResultPath     = null
        # It goes on after what has landed. What does not heal by itself fails again, and is in its log and its alert.
        Retry = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 300, MaxAttempts = 2, BackoffRate = 2 }]
        End   = true
      }
    }
  }
}

data "aws_partition" "this" {}

resource "aws_sfn_state_machine" "backfill" {
  #checkov:skip=CKV_AWS_285:Every event is logged, without the data of the execution, which its own history has.
  #checkov:skip=CKV_AWS_284:A trace would show two states, whose times its history has; what takes time is inside the tasks.
  name       = "${var.name}-backfill"
  role_arn   = aws_iam_role.backfill.arn
  definition = jsonencode(local.definition)

  # With a key of AWS's own: its executions hold the name of a source and days, and no row.
  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.backfill.arn}:*"
    level                  = "ALL"
    include_execution_data = false
  }

  depends_on = [aws_iam_role_policy.backfill] # it is asked for when the machine is made
}

# Under this prefix Step Functions needs no line of the account's log policy, which is at most 5,120 characters long.
resource "aws_cloudwatch_log_group" "backfill" {
  name              = "/aws/vendedlogs/states/${var.name}-backfill"
  retention_in_days = var.log_days
  kms_key_id        = var.kms_key_arn
}
