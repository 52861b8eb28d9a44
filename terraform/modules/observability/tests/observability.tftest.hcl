mock_provider "aws" {
  source = "../../testing"
}

variables {
  name            = "millrace-test"
  kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:key/k"
  sources         = { sales = {}, taxi = {} }
  cluster_arn     = "arn:aws:ecs:eu-west-1:123456789012:cluster/millrace-test"
  unstarted_queue = "millrace-test-unstarted"
  workgroup_name  = "millrace-test"
  db_instance     = "millrace-test"
  emails          = ["team@example.com"]
}

run "what_goes_wrong_is_told" {
  command = apply

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["failed-runs", "no-runs", "rejected-rows", "unstarted", "db-storage", "late-sales", "late-taxi"])
    error_message = "An alarm on failures, silence, rejects, what could not start, and on each source's freshness."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])])
    error_message = "An alarm that tells nobody."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["no-runs"].treat_missing_data == "breaching"
    error_message = "Silence is an alarm, not good news."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : contains([for filter in aws_cloudwatch_log_metric_filter.this : filter.metric_transformation[0].name], alarm.metric_name)
      if startswith(alarm.namespace, "Millrace/")
    ])
    error_message = "An alarm looks at a metric that nothing writes."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.failed.event_pattern).detail.clusterArn == [var.cluster_arn]
    error_message = "Only this project's tasks."
  }
}

run "a_source_that_nothing_runs_is_not_late" {
  command = apply

  variables {
    unscheduled = ["taxi"]
  }

  assert {
    condition     = toset([for name in keys(aws_cloudwatch_metric_alarm.this) : name if startswith(name, "late-")]) == toset(["late-sales"])
    error_message = "An alarm that sounds by design."
  }
}

run "logs_and_messages_are_encrypted_and_end" {
  command = apply

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.kms_key_arn && group.retention_in_days > 0])
    error_message = "Logs are encrypted and not kept for ever."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "Messages are encrypted."
  }

  assert {
    condition     = toset(flatten([for s in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : s.Principal.Service])) == toset(["cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com"])
    error_message = "Only AWS's own services of this account may write to the team."
  }
}

run "a_mail_address_is_one" {
  command = plan

  variables {
    emails = ["nobody"]
  }

  expect_failures = [var.emails]
}
