data "aws_region" "this" {}

locals {
  port   = 8088
  region = data.aws_region.this.region

  environment = {
    ELT_TARGET                    = "aws"
    ELT_DASHBOARDS_SECRET_KEY     = "secret:${var.name}/superset#secret_key"
    ELT_DASHBOARDS_ADMIN_PASSWORD = "secret:${var.name}/superset#admin_password"
    ELT_DASHBOARDS_META_URL       = "secret:${var.name}/superset-meta#url"
    ELT_DASHBOARDS_USER           = "secret:${var.name}/dashboards#username"
    ELT_DASHBOARDS_PASSWORD       = "secret:${var.name}/dashboards#password"
    ELT_REDSHIFT_HOST             = var.warehouse.endpoint
    ELT_REDSHIFT_PORT             = tostring(var.warehouse.port)
    ELT_REDSHIFT_DATABASE         = var.warehouse.database
    ELT_REDSHIFT_SERVING          = var.warehouse.serving
  }
}

# Superset's own role reads its three secrets and nothing else: it reaches Redshift as a user who may only read.
resource "aws_iam_role" "task" {
  name                 = "${var.name}-superset"
  permissions_boundary = var.permissions_boundary_arn
  description          = "Superset's tasks"
  assume_role_policy   = var.task_trust
}

resource "aws_iam_role_policy" "task" {
  name = "superset"
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = [for name in ["superset", "superset-meta", "dashboards"] : var.secret_arns[name]]
      },
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.kms_key_arn
      },
    ]
  })
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.name}-superset"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = var.execution_role_arn

  container_definitions = jsonencode([{
    name                   = "superset"
    image                  = var.image
    essential              = true
    user                   = "10002:10002"
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true }
    command                = ["dashboards", "serve", "--as-imported", "--host", "0.0.0.0", "--port", tostring(local.port)]
    environment            = [for key, value in local.environment : { name = key, value = value }]
    portMappings           = [{ containerPort = local.port, protocol = "tcp" }]
    mountPoints = [
      { sourceVolume = "data", containerPath = "/data", readOnly = false },
      { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options   = { awslogs-group = var.log_group, awslogs-region = local.region, awslogs-stream-prefix = "task" }
    }
  }])

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

resource "aws_ecs_service" "this" {
  name                              = "${var.name}-superset"
  cluster                           = var.cluster_arn
  task_definition                   = aws_ecs_task_definition.this.arn
  desired_count                     = var.desired_count
  launch_type                       = "FARGATE"
  health_check_grace_period_seconds = 180
  propagate_tags                    = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = "superset"
    container_port   = local.port
  }

  network_configuration {
    subnets         = var.private_subnet_ids
    security_groups = [var.security_group_id]
  }

  depends_on = [aws_lb_listener.https]
}
