data "aws_partition" "current" {}

# RDS writes into groups of these names if they are there, and makes ones that are kept for ever if not.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:A year unless the environment says less: a dev environment has nothing to prove a year later.
  for_each          = toset(["postgresql", "upgrade"])
  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-postgres17"
  family      = "postgres17"
  description = "TLS required, connections and slow statements logged"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_connections"
    value = "1"
  }

  parameter {
    name  = "log_disconnections"
    value = "1"
  }

  parameter {
    name  = "log_lock_waits"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = tostring(var.slow_statement_ms)
  }

  parameter {
    name  = "log_statement"
    value = "none" # "ddl" would write CREATE ROLE ... PASSWORD into the log
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_293:On unless the environment says that it may be lost, as dev does.
  #checkov:skip=CKV_AWS_157:A second instance doubles the price; multi_az is an input, on in prod.
  #checkov:skip=CKV_AWS_118:Performance insights are always on; monitoring_seconds turns on the operating system's figures.
  identifier     = var.name
  engine         = "postgres"
  engine_version = "17" # the newest minor version; AWS upgrades it in the maintenance window
  instance_class = var.instance_class

  username                      = "millrace_admin"
  manage_master_user_password   = true # made, kept and rotated by AWS; Terraform never sees it
  master_user_secret_kms_key_id = var.kms_key_arn

  storage_type          = "gp3"
  allocated_storage     = var.allocated_storage
  max_allocated_storage = var.max_allocated_storage
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn

  publicly_accessible                 = false
  db_subnet_group_name                = aws_db_subnet_group.this.name
  vpc_security_group_ids              = [aws_security_group.this.id]
  ca_cert_identifier                  = "rds-ca-rsa2048-g1" # in AWS's global bundle, which the images carry
  iam_database_authentication_enabled = true                # a person can be let in without a password
  parameter_group_name                = aws_db_parameter_group.this.name
  multi_az                            = var.multi_az

  backup_retention_period   = var.backup_days
  backup_window             = "01:00-01:30"
  maintenance_window        = "sun:02:00-sun:03:00" # before the sources' crons
  copy_tags_to_snapshot     = true
  delete_automated_backups  = var.skip_final_snapshot
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = var.skip_final_snapshot
  final_snapshot_identifier = var.skip_final_snapshot ? null : "${var.name}-final"

  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = false

  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.kms_key_arn
  performance_insights_retention_period = 7 # free
  monitoring_interval                   = var.monitoring_seconds
  monitoring_role_arn                   = var.monitoring_seconds > 0 ? aws_iam_role.monitoring[0].arn : null

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_security_group" "this" {
  name        = "${var.name}-operational-db"
  description = "Postgres: lets the pipeline and the dashboards in, reaches nothing"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-operational-db" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  count                        = length(var.client_security_group_ids) # by number: ids are not known before the apply
  security_group_id            = aws_security_group.this.id
  description                  = "Postgres from a client's group"
  referenced_security_group_id = var.client_security_group_ids[count.index]
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

data "aws_caller_identity" "current" {
  count = var.monitoring_seconds > 0 ? 1 : 0
}

resource "aws_iam_role" "monitoring" {
  count                = var.monitoring_seconds > 0 ? 1 : 0
  name                 = "${var.name}-rds-monitoring"
  description          = "RDS writes the operating system's figures to CloudWatch"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current[0].account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  count      = var.monitoring_seconds > 0 ? 1 : 0
  role       = aws_iam_role.monitoring[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
