mock_provider "aws" {
  source = "../../testing"
}

variables {
  name                = "millrace-test"
  tasks               = 8
  cluster_arn         = "arn:aws:ecs:us-east-1:123456789012:cluster/millrace-test"
  task_definition_arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/millrace-test-pipeline"
  task_role_arn       = "arn:aws:iam::123456789012:role/millrace-test-pipeline"
  execution_role_arn  = "arn:aws:iam::123456789012:role/millrace-test-execution"
  subnet_ids          = ["subnet-1", "subnet-2", "subnet-3"]
  security_group_id   = "sg-1"
  kms_key_arn         = "arn:aws:kms:us-east-1:123456789012:key/k"
  log_days            = 30
}

run "pieces_are_read_side_by_side_and_landed_by_one" {
  command = apply

  assert {
    condition     = local.definition.StartAt == "ReadAhead" && local.definition.States.ReadAhead.Next == "Land" && local.definition.States.Land.End
    error_message = "First all pieces are read, then they are landed."
  }

  assert {
    condition     = local.definition.States.ReadAhead.MaxConcurrency == 8 && local.definition.States.ReadAhead.ItemProcessor.ProcessorConfig.Mode == "INLINE"
    error_message = "The source is asked by so many tasks at a time, and by no more."
  }

  assert {
    condition = alltrue([for task in [local.definition.States.ReadAhead.ItemProcessor.States.Read, local.definition.States.Land] :
      task.Resource == "arn:aws:states:::ecs:runTask.sync" && task.Parameters.LaunchType == "FARGATE" && task.Parameters.TaskDefinition == var.task_definition_arn
      && task.Parameters.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp == "DISABLED" && task.Parameters.Overrides.ContainerOverrides[0].Name == "pipeline"
    ])
    error_message = "Both are the pipeline's own task, waited for, in the private network."
  }

  assert {
    condition     = aws_sfn_state_machine.backfill.definition == jsonencode(local.definition)
    error_message = "What is tested is what is made."
  }
}

run "an_input_says_values_and_no_command" {
  command = apply

  assert {
    condition = [for task in [local.definition.States.ReadAhead.ItemProcessor.States.Read, local.definition.States.Land] : task.Parameters.Overrides.ContainerOverrides[0]["Command.$"]] == [
      "States.Array('backfill', $.source, '--since', $.since, '--until', $.until, '--batch', $.batch, '--read-ahead')",
      "States.Array('backfill', $.source, '--since', $.since, '--until', $.until, '--days', $.days, '--batch', $.batch, '--wait', '3600')",
    ]
    error_message = "Each value is one word of a command that is written here."
  }

  assert {
    condition     = local.definition.States.ReadAhead.ItemSelector == { "source.$" = "$.source", "batch.$" = "$.batch", "since.$" = "$$.Map.Item.Value.since", "until.$" = "$$.Map.Item.Value.until" }
    error_message = "A piece says its days; the source and the batch are those of the whole."
  }
}

run "a_piece_that_fails_is_tried_again_and_left_to_its_turn" {
  command = apply

  assert {
    condition     = local.definition.States.ReadAhead.ItemProcessor.States.Read.Retry[0].MaxAttempts == 3 && local.definition.States.ReadAhead.ItemProcessor.States.Read.Catch[0].Next == "LeftToItsTurn"
    error_message = "One piece that cannot be read does not stop the others."
  }

  assert {
    condition     = local.definition.States.Land.Retry[0].MaxAttempts == 2 && !can(local.definition.States.Land.Catch)
    error_message = "What cannot be landed fails the execution."
  }

  assert {
    condition = alltrue([for state in [local.definition.States.ReadAhead, local.definition.States.ReadAhead.ItemProcessor.States.Read, local.definition.States.Land] :
    state.ResultPath == null])
    error_message = "What ECS says of hundreds of tasks does not fit into an execution."
  }

  assert {
    condition     = local.definition.States.ReadAhead.ItemProcessor.States.Read.TimeoutSeconds == 43200 && local.definition.States.Land.TimeoutSeconds == 259200
    error_message = "No task runs for ever."
  }
}

run "its_role_starts_the_pipelines_task_and_nothing_else" {
  command = apply

  assert {
    condition = jsondecode(aws_iam_role.backfill.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:states:us-east-1:123456789012:stateMachine:millrace-test-backfill" }
      }
    }]
    error_message = "Only this state machine of this account may take the role."
  }

  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.backfill.policy).Statement : s.Sid => s.Resource if s.Resource != "*" } == {
      Start      = [var.task_definition_arn, "${var.task_definition_arn}:*"]
      Watch      = "arn:aws:ecs:us-east-1:123456789012:task/millrace-test/*"
      Lend       = [var.task_role_arn, var.execution_role_arn]
      HearOfEnds = "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForECSTaskRule"
    }
    error_message = "It may start one task, watch this cluster's, and lend the task's two roles."
  }

  assert {
    condition     = join(" ", sort([for s in jsondecode(aws_iam_role_policy.backfill.policy).Statement : s.Sid if s.Resource == "*"])) == "Log Tag"
    error_message = "Only what has no name is allowed for every name."
  }

  assert {
    condition = alltrue([for s in jsondecode(aws_iam_role_policy.backfill.policy).Statement :
    s.Condition == { ArnEquals = { "ecs:cluster" = var.cluster_arn } } if contains(["Start", "Watch"], s.Sid)])
    error_message = "No other cluster's tasks."
  }
}

run "its_log_is_encrypted_and_holds_no_data" {
  command = apply

  assert {
    condition     = aws_cloudwatch_log_group.backfill.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.backfill.retention_in_days == 30
    error_message = "The log has the project's key, and an end."
  }

  assert {
    condition     = aws_sfn_state_machine.backfill.logging_configuration[0].level == "ALL" && aws_sfn_state_machine.backfill.logging_configuration[0].include_execution_data == false
    error_message = "It says what happened."
  }
}

run "more_than_an_inline_map_can_do_is_refused" {
  command = plan

  variables {
    tasks = 41
  }

  expect_failures = [var.tasks]
}
