mock_provider "aws" {
  source = "../../testing"
}

variables {
  name        = "millrace-test"
  environment = "test"
  monthly_usd = 150
  emails      = ["team@example.com"]
}

run "people_are_told_before_and_when_it_is_spent" {
  command = plan

  assert {
    condition     = toset([for n in aws_budgets_budget.month.notification : "${n.notification_type} ${n.comparison_operator} ${n.threshold} ${n.threshold_type}"]) == toset(["ACTUAL GREATER_THAN 50 PERCENTAGE", "ACTUAL GREATER_THAN 80 PERCENTAGE", "ACTUAL GREATER_THAN 100 PERCENTAGE", "FORECASTED GREATER_THAN 100 PERCENTAGE"])
    error_message = "At 50, 80 and 100 % spent, and when 100 % are forecast."
  }
  assert {
    condition     = alltrue([for n in aws_budgets_budget.month.notification : n.subscriber_email_addresses == toset(["team@example.com"]) && length(n.subscriber_sns_topic_arns) == 0])
    error_message = "Each notice has a reader."
  }
  assert {
    condition     = [aws_budgets_budget.month.budget_type, aws_budgets_budget.month.time_unit, aws_budgets_budget.month.limit_unit, aws_budgets_budget.month.limit_amount] == ["COST", "MONTHLY", "USD", "150.00"]
    error_message = "Dollars of a month."
  }
  assert {
    condition     = { for filter in aws_budgets_budget.month.cost_filter : filter.name => join(",", filter.values) } == { TagKeyValue = "user:Environment$test" }
    error_message = "Only this environment's costs."
  }
  assert {
    condition     = output.budget_name == "millrace-test-month"
    error_message = "The budget has the environment's name."
  }
}

run "a_topic_instead_of_people" {
  command = plan

  variables {
    emails        = []
    sns_topic_arn = "arn:aws:sns:us-east-1:123456789012:millrace-test-alarms"
  }

  assert {
    condition     = alltrue([for n in aws_budgets_budget.month.notification : n.subscriber_sns_topic_arns == toset(["arn:aws:sns:us-east-1:123456789012:millrace-test-alarms"])])
    error_message = "The topic is told."
  }
}

run "a_budget_that_tells_nobody_is_refused" {
  command = plan

  variables {
    emails = []
  }

  expect_failures = [var.emails]
}
