data "aws_caller_identity" "this" {}
data "aws_region" "this" {}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = toset(["pipeline", "superset"])
  name              = "/${var.name}/${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = var.kms_key_arn
}

# The runner writes one JSON line per run and one per source (runtime/telemetry.py); these make numbers of them.
locals {
  namespace = "Millrace/${var.name}"
  metrics = {
    Runs         = { pattern = "{ $.event = \"run\" }", value = "1", dimensions = null }
    FailedRuns   = { pattern = "{ $.event = \"run\" && $.exit_code > 0 }", value = "1", dimensions = null }
    LandedRows   = { pattern = "{ $.event = \"run\" }", value = "$.landed", dimensions = null }
    RejectedRows = { pattern = "{ $.event = \"run\" }", value = "$.rejected", dimensions = null }
    RunSeconds   = { pattern = "{ $.event = \"run\" }", value = "$.seconds", dimensions = null }
    LateHours    = { pattern = "{ $.event = \"source\" }", value = "$.late_hours", dimensions = { source = "$.source" } }
  }
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each       = local.metrics
  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.this["pipeline"].name
  pattern        = each.value.pattern

  metric_transformation {
    namespace  = local.namespace
    name       = each.key
    value      = each.value.value
    dimensions = each.value.dimensions
  }
}
