locals {
  # EventBridge takes 64 characters of a name; a source's own may have 50.
  short = { for name in keys(var.sources) : name => length(name) <= 38 ? name : "${substr(name, 0, 31)}-${substr(sha256(name), 0, 6)}" }
}

# A schedule per time, not per source: one task runs all sources that are due then, side by side, where a task for each would
# wait for the others' lock. What the resident task serves is written down, too, and off.
locals {
  slots = { for expression in distinct(values(local.expressions)) : expression => sort([for name, said in local.expressions : name if said == expression]) }
  # Such as 0-6-x-x-x, and what makes it one of a kind.
  labels = { for expression, names in local.slots : expression => join("-", concat(
    [substr(trim(replace(replace(join("-", local.crons[names[0]]), "*", "x"), "/[^A-Za-z0-9]+/", "-"), "-"), 0, 31)],
    [substr(sha256(expression), 0, 6)],
  )) }
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "slot" {
  for_each                     = local.slots
  name                         = "${var.name}-${local.labels[each.key]}"
  group_name                   = aws_scheduler_schedule_group.this.name
  description                  = substr("${join(" ", local.crons[each.value[0]])} of source.yml: ${join(", ", each.value)}", 0, 512)
  schedule_expression          = each.key
  schedule_expression_timezone = "UTC" # as in source.yml
  state                        = contains(local.resident, each.value[0]) ? "DISABLED" : "ENABLED"
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.cluster_arn
    role_arn = aws_iam_role.starter.arn
    input    = jsonencode({ containerOverrides = [{ name = "pipeline", command = ["run", "--schedule", join(" ", local.crons[each.value[0]]), "--wait", tostring(var.wait_seconds)] }] })

    ecs_parameters {
      task_definition_arn = var.task_definition_arn
      launch_type         = "FARGATE"
      propagate_tags      = "TASK_DEFINITION"

      network_configuration {
        subnets          = var.subnet_ids
        security_groups  = [var.security_group_id]
        assign_public_ip = false
      }
    }

    retry_policy {
      maximum_retry_attempts       = 5
      maximum_event_age_in_seconds = 3600
    }

    dead_letter_config {
      arn = aws_sqs_queue.unstarted.arn
    }
  }

  lifecycle {
    precondition {
      condition     = length(setintersection(local.unsaid, each.value)) == 0
      error_message = "dlt_sources/${each.value[0]}/source.yml: schedule ${var.sources[each.value[0]].schedule} cannot be said to EventBridge, which knows five fields, a day of the month or of the week but not both, and no steps through the week. Say it otherwise, for example 1,3,5 for */2."
    }
  }
}

# A file that is dropped as <source>/<name> in the drops bucket is read at once. Only names that source.yml declares.
locals {
  drops = {
    for name, source in var.sources : name => distinct(flatten([
      for table in values(source.tables) : try(flatten([table.files]), [])
    ])) if source.connector == "files"
  }
}

resource "aws_cloudwatch_event_rule" "dropped" {
  for_each    = local.drops
  name        = "${var.name}-${local.short[each.key]}-dropped"
  description = "A new file of ${each.key}"
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.drops_bucket] }
      object = { key = [for glob in each.value : { wildcard = "${each.key}/${replace(glob, "{month}", "*")}" }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "dropped" {
  for_each = local.drops
  rule     = aws_cloudwatch_event_rule.dropped[each.key].name
  arn      = var.cluster_arn
  role_arn = aws_iam_role.starter.arn

  input_transformer {
    input_paths = { bucket = "$.detail.bucket.name", key = "$.detail.object.key" }
    # A placeholder without quotes is replaced by the value as JSON: whoever names an object writes no part of the command.
    # Not jsonencode: it would escape the < and > of the placeholders.
    input_template = "{\"containerOverrides\": [{\"name\": \"pipeline\", \"command\": [\"run\", \"${each.key}\", \"--wait\", \"${var.wait_seconds}\", \"--object\", <bucket>, <key>]}]}"
  }

  ecs_target {
    task_definition_arn = var.task_definition_arn
    launch_type         = "FARGATE"
    propagate_tags      = "TASK_DEFINITION"

    network_configuration {
      subnets          = var.subnet_ids
      security_groups  = [var.security_group_id]
      assign_public_ip = false
    }
  }

  retry_policy {
    maximum_retry_attempts       = 5
    maximum_event_age_in_seconds = 3600
  }

  dead_letter_config {
    arn = aws_sqs_queue.unstarted.arn
  }
}
