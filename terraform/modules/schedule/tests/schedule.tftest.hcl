mock_provider "aws" {
  source = "../../testing"
}

variables {
  name                = "millrace-test"
  cluster_arn         = "arn:aws:ecs:eu-west-1:123456789012:cluster/millrace-test"
  task_definition_arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/millrace-test-pipeline"
  task_role_arn       = "arn:aws:iam::123456789012:role/millrace-test-pipeline"
  execution_role_arn  = "arn:aws:iam::123456789012:role/millrace-test-execution"
  subnet_ids          = ["subnet-1", "subnet-2", "subnet-3"]
  security_group_id   = "sg-1"
  kms_key_arn         = "arn:aws:kms:eu-west-1:123456789012:key/k"
  drops_bucket        = "millrace-test-drops"
  sources = {
    daily    = { description = "D", schedule = "0 6 * * *", connector = "rest_api", tables = { t = {} } }
    minutely = { description = "M", schedule = "* * * * *", connector = "rest_api", tables = { t = {} } }
    weekly   = { description = "W", schedule = "30 7 * * 1-5", connector = "sql_database", tables = { t = {} } }
    files    = { description = "F", schedule = "@monthly", connector = "files", tables = { a = { files = "*.csv" }, b = { files = ["trips_{month}.parquet", "*.csv"] } } }
  }
}

run "every_source_has_its_times" {
  command = apply

  assert {
    condition = { for name, expression in local.expressions : name => aws_scheduler_schedule.slot[expression].schedule_expression } == {
      daily    = "cron(0 6 * * ? *)"
      minutely = "cron(* * * * ? *)"
      weekly   = "cron(30 7 ? * MON,TUE,WED,THU,FRI *)"
      files    = "cron(0 0 1 * ? *)"
    }
    error_message = "The schedules are not those of the source.yml files: ${jsonencode(local.expressions)}"
  }

  assert {
    condition     = alltrue([for s in aws_scheduler_schedule.slot : s.schedule_expression_timezone == "UTC"])
    error_message = "source.yml speaks of UTC."
  }

  assert {
    condition     = output.states == { daily = "ENABLED", minutely = "DISABLED", weekly = "ENABLED", files = "ENABLED" }
    error_message = "Only what the resident task serves is off."
  }

  assert {
    condition     = output.resident == tolist(["minutely"])
    error_message = "A source that runs every minute belongs to the resident task."
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.slot["cron(0 6 * * ? *)"].target[0].input).containerOverrides[0].command == ["run", "--schedule", "0 6 * * *", "--wait", "3600"]
    error_message = "A schedule runs the sources of its time and waits for its turn."
  }

  assert {
    condition     = alltrue([for s in aws_scheduler_schedule.slot : length(s.target[0].dead_letter_config) == 1 && s.target[0].retry_policy[0].maximum_retry_attempts > 0])
    error_message = "What could not be started must not vanish."
  }
}

run "a_dropped_file_is_read" {
  command = apply

  assert {
    condition     = keys(aws_cloudwatch_event_rule.dropped) == ["files"]
    error_message = "Only sources of files listen to the drops bucket."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.dropped["files"].event_pattern).detail.object.key == [{ wildcard = "files/*.csv" }, { wildcard = "files/trips_*.parquet" }]
    error_message = "It listens to the names that source.yml declares."
  }

  assert {
    condition = alltrue([
      for key in ["files/x.csv", "files/a b.csv", "files/x\", \"--now\"], \"environment\": [{\"name\": \"A\", \"value\": \"b.csv", "files/\\\"]}]}.csv"] :
      jsondecode(replace(replace(aws_cloudwatch_event_target.dropped["files"].input_transformer[0].input_template, "<bucket>", jsonencode("b")), "<key>", jsonencode(key))) ==
      { containerOverrides = [{ name = "pipeline", command = ["run", "files", "--wait", "3600", "--object", "b", key] }] }
    ])
    error_message = "It runs the source with that file, whatever it is called; as EventBridge replaces a placeholder without quotes: by the value as JSON."
  }
}

run "long_names_fit" {
  command = apply

  variables {
    name = "millrace-abcdefgh"
    sources = { for name in ["a_source_whose_name_is_as_long_as_it_may_be_here_x", "a_source_whose_name_is_as_long_as_it_may_be_here_y"] : name => {
      description = join("", [for n in range(100) : "a long description "]), schedule = "0 0 * * *", connector = "files", tables = { t = { files = "*.csv" } }
    } }
  }

  assert {
    condition     = length(toset([for rule in aws_cloudwatch_event_rule.dropped : rule.name])) == 2 && alltrue([for rule in aws_cloudwatch_event_rule.dropped : length(rule.name) <= 64 && startswith(rule.name, "millrace-abcdefgh-")])
    error_message = "EventBridge takes 64 characters, and two sources are two rules."
  }

  assert {
    condition     = alltrue([for s in aws_scheduler_schedule.slot : length(s.name) <= 64 && length(s.description) <= 512])
    error_message = "A schedule takes 64 characters of a name and 512 of a description."
  }
}

run "many_sources_of_one_time_are_one_task" {
  command = apply

  variables {
    sources = merge(
      { for n in range(500) : "s${n}" => { description = "S", schedule = n % 2 == 0 ? "@daily" : "0  0 * * *", connector = "rest_api", tables = {} } },
      { late = { description = "L", schedule = "5 0 * * *", connector = "rest_api", tables = {} } },
    )
  }

  assert {
    condition     = toset(keys(aws_scheduler_schedule.slot)) == toset(["cron(0 0 * * ? *)", "cron(5 0 * * ? *)"])
    error_message = "A task for each would wait for the lock of 499 others."
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.slot["cron(0 0 * * ? *)"].target[0].input).containerOverrides[0].command == ["run", "--schedule", "0 0 * * *", "--wait", "3600"]
    error_message = "500 names would not fit into what ECS takes."
  }

  assert {
    condition     = length(toset([for s in aws_scheduler_schedule.slot : s.name])) == 2 && alltrue([for s in aws_scheduler_schedule.slot : length(s.name) <= 64 && length(s.description) <= 512])
    error_message = "Two times are two schedules, within EventBridge's lengths."
  }
}

run "who_may_start_what" {
  command = apply

  assert {
    condition = jsondecode(aws_iam_role.starter.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["scheduler.amazonaws.com", "events.amazonaws.com"] }
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }]
    error_message = "Only EventBridge of this account may start tasks."
  }

  assert {
    condition     = { for s in jsondecode(aws_iam_role_policy.starter.policy).Statement : s.Sid => s.Resource }["Lend"] == [var.task_role_arn, var.execution_role_arn]
    error_message = "It may lend the two roles of the task, no other."
  }

  assert {
    condition     = aws_sqs_queue.unstarted.kms_master_key_id == var.kms_key_arn
    error_message = "The queue is encrypted with the project's key."
  }
}

run "steps_begin_at_a_number" {
  command = plan

  variables {
    sources = {
      a = { description = "A", schedule = "*/15 */2 * * *", connector = "rest_api", tables = {} }
      b = { description = "B", schedule = "0 0 */2 1,6 *", connector = "rest_api", tables = {} }
      c = { description = "C", schedule = "5 4 * * 5-7,1", connector = "rest_api", tables = {} }
      d = { description = "D", schedule = "5  4 * jan sun", connector = "rest_api", tables = {} }
    }
  }

  assert {
    condition = local.expressions == {
      a = "cron(0/15 0/2 * * ? *)"
      b = "cron(0 0 1/2 1,6 ? *)"
      c = "cron(5 4 ? * FRI,SAT,SUN,MON *)"
      d = "cron(5 4 ? JAN SUN *)"
    }
    error_message = "Not EventBridge's words: ${jsonencode(local.expressions)}"
  }
}

run "what_eventbridge_cannot_say_is_refused" {
  command = plan

  variables {
    sources = { both = { description = "B", schedule = "0 6 1 * 1", connector = "rest_api", tables = {} } }
  }

  expect_failures = [aws_scheduler_schedule.slot["cron(0 6 ? * MON *)"]]
}

run "the_resident_task_can_be_done_without" {
  command = plan

  variables {
    resident_below_minutes = 0
  }

  assert {
    condition     = length(output.resident) == 0 && alltrue([for s in aws_scheduler_schedule.slot : s.state == "ENABLED"])
    error_message = "With 0, every source has its schedule."
  }
}
