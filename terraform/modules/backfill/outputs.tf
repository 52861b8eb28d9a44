output "state_machine_arn" {
  description = "The state machine, for `aws stepfunctions start-execution`."
  value       = aws_sfn_state_machine.backfill.arn
}
