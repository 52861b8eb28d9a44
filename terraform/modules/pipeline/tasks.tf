# One image, three uses: a scheduled or one-off run, the resident task, the bootstrap.
locals {
  image = "${aws_ecr_repository.image["pipeline"].repository_url}:${var.image_tag}"

  connections = {
    ELT_TARGET             = "aws"
    ELT_MEMORY             = "${floor(var.memory / 2)}MB"
    ELT_LAKE_URL           = var.lake.url
    ELT_KMS_KEY            = var.kms_key_arn
    ELT_GLUE_PREFIX        = var.glue_prefix
    ELT_REDSHIFT_HOST      = var.warehouse.endpoint
    ELT_REDSHIFT_PORT      = tostring(var.warehouse.port)
    ELT_REDSHIFT_WORKGROUP = var.warehouse.workgroup_name
    ELT_REDSHIFT_DATABASE  = var.warehouse.database
    ELT_REDSHIFT_SERVING   = var.warehouse.serving
    ELT_REDSHIFT_ROLE      = var.warehouse.copy_role_arn
    ELT_STATE_HOST         = var.operational_db.host
    ELT_STATE_PORT         = tostring(var.operational_db.port)
    ELT_STATE_DATABASE     = var.operational_db.database
    ELT_STATE_USER         = "secret:${var.name}/state#username"
    ELT_STATE_PASSWORD     = "secret:${var.name}/state#password"
    ELT_POSTGRES_URL       = "secret:${var.name}/state#url"
    ELT_PII_SALT           = "secret:${var.name}/pii-salt"
  }
  environment = merge(local.connections, var.source_environment)

  bootstrap_environment = {
    ELT_BOOTSTRAP_PREFIX          = var.name
    ELT_BOOTSTRAP_DB_SECRET       = var.operational_db.admin_secret_arn
    ELT_BOOTSTRAP_REDSHIFT_SECRET = var.warehouse.admin_secret_arn
    ELT_BOOTSTRAP_PIPELINE_ROLE   = aws_iam_role.task.name
    ELT_BOOTSTRAP_SPECTRUM        = tostring(var.spectrum)
    ELT_GLUE_PREFIX               = var.glue_prefix
    ELT_STATE_HOST                = var.operational_db.host
    ELT_STATE_PORT                = tostring(var.operational_db.port)
    ELT_REDSHIFT_HOST             = var.warehouse.endpoint
    ELT_REDSHIFT_PORT             = tostring(var.warehouse.port)
    ELT_REDSHIFT_DATABASE         = var.warehouse.database
    ELT_REDSHIFT_SERVING          = var.warehouse.serving
    ELT_REDSHIFT_ROLE             = var.warehouse.copy_role_arn
  }

  # Every task: no root, nothing writable but two scratch folders, no new rights.
  container = {
    name                   = "pipeline"
    image                  = local.image
    essential              = true
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    stopTimeout            = var.stop_seconds
    linuxParameters        = { initProcessEnabled = true }
    mountPoints = [
      { sourceVolume = "data", containerPath = "/data", readOnly = false },
      { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = var.log_group
        awslogs-region        = local.region
        awslogs-stream-prefix = "task"
      }
    }
  }

  tasks = {
    pipeline = {
      role      = aws_iam_role.task.arn
      container = { command = ["run"], environment = local.environment }
    }
    resident = {
      role      = aws_iam_role.task.arn
      container = { command = concat(["serve"], var.resident), environment = local.environment }
    }
    bootstrap = {
      role      = aws_iam_role.bootstrap.arn
      container = { entryPoint = ["python", "-m", "runtime.bootstrap"], command = [], environment = local.bootstrap_environment }
    }
  }
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  configuration {
    managed_storage_configuration {
      fargate_ephemeral_storage_kms_key_id = var.kms_key_arn
    }
  }

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each                 = { for name, task in local.tasks : name => task if name != "resident" || length(var.resident) > 0 }
  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = each.value.role
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([merge(local.container, each.value.container, {
    environment = [for key, value in each.value.container.environment : { name = key, value = value }]
    healthCheck = each.key == "resident" ? { command = ["CMD", "python", "-m", "runtime.health"], interval = 60, timeout = 20, retries = 3, startPeriod = 120 } : null
  })])

  ephemeral_storage {
    size_in_gib = var.disk
  }

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  volume {
    name = "data"
  }

  volume {
    name = "tmp"
  }
}

# A source that runs every minute would start a task a minute, each longer in starting than in working.
resource "aws_ecs_service" "resident" {
  count                              = length(var.resident) > 0 ? 1 : 0
  name                               = "${var.name}-resident"
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this["resident"].arn
  desired_count                      = var.serve_resident ? 1 : 0
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 0 # the old one ends before the new one starts: two would take turns at the lock
  deployment_maximum_percent         = 100
  propagate_tags                     = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [var.security_group_id]
  }
}
