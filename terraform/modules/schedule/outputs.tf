output "resident" {
  description = "Sources that come too often for a task each time; the resident task serves them."
  value       = local.resident
}

output "schedules" {
  description = "EventBridge's expression of each source's schedule."
  value       = local.expressions
}

output "states" {
  description = "ENABLED or DISABLED of each source's schedule."
  value       = { for name, expression in local.expressions : name => aws_scheduler_schedule.slot[expression].state }
}

output "drops" {
  description = "Patterns of object keys in the drops bucket that start a run, by source."
  value       = { for name, rule in aws_cloudwatch_event_rule.dropped : name => jsondecode(rule.event_pattern).detail.object.key }
}

output "unstarted_queue" {
  description = "Name of the queue of what could not be started."
  value       = aws_sqs_queue.unstarted.name
}
