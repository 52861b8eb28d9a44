locals {
  # What has been spent at half, at four fifths and at all of it; and as soon as the month looks like ending above it.
  notices = [
    { kind = "ACTUAL", percent = 50 },
    { kind = "ACTUAL", percent = 80 },
    { kind = "ACTUAL", percent = 100 },
    { kind = "FORECASTED", percent = 100 },
  ]
}

resource "aws_budgets_budget" "month" {
  name         = "${var.name}-month"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_unit   = "USD"
  limit_amount = format("%.2f", var.monthly_usd)

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:%s$%s", var.tag_key, coalesce(var.tag_value, var.environment))]
  }

  dynamic "notification" {
    for_each = local.notices

    content {
      notification_type          = notification.value.kind
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value.percent
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = var.emails
      subscriber_sns_topic_arns  = var.sns_topic_arn == null ? [] : [var.sns_topic_arn]
    }
  }
}
