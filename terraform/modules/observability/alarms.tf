resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OwnAlarms"
        Effect    = "Allow"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.this.account_id } }
      },
      {
        # EventBridge knows no conditions in a topic's policy: with one, every message would be lost.
        Sid       = "Events"
        Effect    = "Allow"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Principal = { Service = "events.amazonaws.com" }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "team" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

# A task that ended with another code than 0, or did not come up: told at once, with its own words.
resource "aws_cloudwatch_event_rule" "failed" {
  name        = "${var.name}-failed"
  description = "A task of the pipeline failed"
  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn = [var.cluster_arn]
      lastStatus = ["STOPPED"]
      "$or" = [
        { containers = { exitCode = [{ "anything-but" = [0] }] } },
        { stopCode = ["TaskFailedToStart"] },
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "failed" {
  rule = aws_cloudwatch_event_rule.failed.name
  arn  = aws_sns_topic.alarms.arn

  input_transformer {
    input_paths = {
      group  = "$.detail.group"
      by     = "$.detail.startedBy"
      code   = "$.detail.containers[0].exitCode"
      reason = "$.detail.stoppedReason"
      task   = "$.detail.taskArn"
    }
    input_template = "\"${var.name}: <group> (started by <by>) ended with exit code <code>: <reason>. 1: a check, contract or audit failed, dashboards keep the last good data. 3: a source was away, the next run catches up. 5: another run held the lock. Log group /${var.name}/pipeline, task <task>\""
  }
}

locals {
  alarms = {
    failed-runs = {
      text      = "A run failed. Dashboards keep the last good data; `status` and the log say what failed."
      name      = "FailedRuns", namespace = local.namespace, dimensions = {}
      statistic = "Sum", period = 300, periods = 1, comparison = "GreaterThanThreshold", threshold = 0, missing = "notBreaching"
    }
    no-runs = {
      text      = "No run has ended in a day: the schedule, the image or the network keeps tasks from starting."
      name      = "Runs", namespace = local.namespace, dimensions = {}
      statistic = "Sum", period = 86400, periods = 1, comparison = "LessThanThreshold", threshold = 1, missing = "breaching"
    }
    rejected-rows = {
      text      = "More rows than usual broke their contract; `rejected` shows them with field and rule."
      name      = "RejectedRows", namespace = local.namespace, dimensions = {}
      statistic = "Sum", period = 86400, periods = 1, comparison = "GreaterThanThreshold", threshold = var.rejected_rows, missing = "notBreaching"
    }
    unstarted = {
      text      = "A run could not be started; its message in the queue ${var.unstarted_queue} says why. The next schedule catches up, a dropped file does not: `run SOURCE --file`."
      name      = "ApproximateNumberOfMessagesVisible", namespace = "AWS/SQS", dimensions = { QueueName = var.unstarted_queue }
      statistic = "Maximum", period = 300, periods = 1, comparison = "GreaterThanThreshold", threshold = 0, missing = "notBreaching"
    }
    db-storage = {
      text      = "The operational Postgres has less than 2 GB left and has not grown by itself."
      name      = "FreeStorageSpace", namespace = "AWS/RDS", dimensions = { DBInstanceIdentifier = var.db_instance }
      statistic = "Minimum", period = 300, periods = 3, comparison = "LessThanThreshold", threshold = 2000000000, missing = "notBreaching"
    }
  }
  late = {
    for source in setsubtract(keys(var.sources), var.unscheduled) : "late-${source}" => {
      text      = "${source} is late by its own schedule: no run of it has ended well for ${var.late_hours} hours after it was due."
      name      = "LateHours", namespace = local.namespace, dimensions = { source = source }
      statistic = "Maximum", period = 3600, periods = 1, comparison = "GreaterThanThreshold", threshold = var.late_hours, missing = "ignore"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = merge(local.alarms, local.late)
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.name
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
