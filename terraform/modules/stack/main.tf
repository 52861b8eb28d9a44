# The whole of one environment. Each module stands for one thing that a person can name; this file is their wiring.

module "network" {
  source                   = "../network"
  name                     = local.name
  cidr                     = var.cidr
  nat_gateways             = var.nat_gateways
  interface_endpoints      = var.interface_endpoints
  kms_key_arn              = module.lake.kms_key_arn
  log_retention_days       = var.log_days
  permissions_boundary_arn = local.boundary_arn
  public_buckets           = var.public_buckets
  source_databases         = var.source_databases
}

module "lake" {
  source        = "../lake"
  name          = local.name
  sources       = local.sources
  landing_days  = var.landing_days
  log_days      = var.log_days
  force_destroy = !var.protected
  drops_days    = var.drops_days
  drops_writers = var.drops_writers
}

module "catalog" {
  source      = "../catalog"
  name        = local.name
  sources     = local.sources
  lake_url    = module.lake.lake_url
  glue_prefix = local.glue_prefix
}

module "warehouse" {
  source                    = "../warehouse"
  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.private_subnet_ids
  client_security_group_ids = [module.network.pipeline_security_group_id, module.network.dashboards_security_group_id]
  kms_key_arn               = module.lake.kms_key_arn
  bucket_arn                = module.lake.bucket_arn
  prefix                    = module.lake.prefix
  base_rpu                  = var.base_rpu
  max_rpu                   = var.max_rpu
  daily_rpu_hours           = var.daily_rpu_hours
  breach_action             = var.breach_action
  permissions_boundary_arn  = local.boundary_arn
  log_retention_days        = var.log_days
  glue_prefix               = local.glue_prefix
  max_query_seconds         = var.max_query_seconds
  spectrum                  = var.spectrum
  transformer_principals    = var.transformer_principals
  bi_principals             = var.bi_principals
}

module "operational_db" {
  source                    = "../operational_db"
  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.private_subnet_ids
  client_security_group_ids = [module.network.pipeline_security_group_id, module.network.dashboards_security_group_id]
  kms_key_arn               = module.lake.kms_key_arn
  instance_class            = var.db_instance_class
  backup_days               = var.backup_days
  multi_az                  = var.multi_az
  deletion_protection       = var.protected
  skip_final_snapshot       = !var.protected
  permissions_boundary_arn  = local.boundary_arn
  log_retention_days        = var.log_days
  allocated_storage         = var.db_storage
  max_allocated_storage     = var.db_max_storage
}

module "pipeline" {
  source               = "../pipeline"
  name                 = local.name
  subnet_ids           = module.network.private_subnet_ids
  security_group_id    = module.network.pipeline_security_group_id
  kms_key_arn          = module.lake.kms_key_arn
  log_group            = module.observability.log_groups["pipeline"]
  image_tag            = var.image_tag
  cpu                  = var.task.cpu
  memory               = var.task.memory
  disk                 = var.task.disk
  glue_prefix          = local.glue_prefix
  spectrum             = var.spectrum
  source_environment   = local.source_environment
  resident             = module.schedule.resident
  force_delete         = !var.protected
  secret_recovery_days = var.protected ? 30 : 0
  serve_resident       = var.serve_resident
  lake = {
    url        = module.lake.lake_url
    bucket_arn = module.lake.bucket_arn
    prefix     = module.lake.prefix
    drops_arn  = module.lake.drops_bucket_arn
  }
  warehouse                = local.warehouse
  operational_db           = module.operational_db
  permissions_boundary_arn = local.boundary_arn
}

module "schedule" {
  source                   = "../schedule"
  name                     = local.name
  sources                  = local.scheduled
  resident_below_minutes   = var.resident_below_minutes
  cluster_arn              = module.pipeline.cluster_arn
  task_definition_arn      = module.pipeline.task_definition_arn
  task_role_arn            = module.pipeline.task_role_arn
  execution_role_arn       = module.pipeline.execution_role_arn
  subnet_ids               = module.network.private_subnet_ids
  security_group_id        = module.network.pipeline_security_group_id
  kms_key_arn              = module.lake.kms_key_arn
  drops_bucket             = module.lake.drops_bucket
  permissions_boundary_arn = local.boundary_arn
  wait_seconds             = var.wait_seconds
}

module "backfill" {
  source                   = "../backfill"
  count                    = var.backfill_tasks == 0 ? 0 : 1
  name                     = local.name
  tasks                    = var.backfill_tasks
  piece_hours              = var.backfill_piece_hours
  land_hours               = var.backfill_land_hours
  wait_seconds             = var.wait_seconds
  cluster_arn              = module.pipeline.cluster_arn
  task_definition_arn      = module.pipeline.task_definition_arn
  task_role_arn            = module.pipeline.task_role_arn
  execution_role_arn       = module.pipeline.execution_role_arn
  subnet_ids               = module.network.private_subnet_ids
  security_group_id        = module.network.pipeline_security_group_id
  kms_key_arn              = module.lake.kms_key_arn
  log_days                 = var.log_days
  permissions_boundary_arn = local.boundary_arn
}

module "observability" {
  source          = "../observability"
  name            = local.name
  kms_key_arn     = module.lake.kms_key_arn
  sources         = local.scheduled
  unscheduled     = var.serve_resident ? [] : module.schedule.resident
  cluster_arn     = "arn:${data.aws_partition.this.partition}:ecs:${data.aws_region.this.region}:${data.aws_caller_identity.this.account_id}:cluster/${local.name}"
  unstarted_queue = module.schedule.unstarted_queue
  workgroup_name  = module.warehouse.workgroup_name
  db_instance     = module.operational_db.instance_id
  emails          = var.emails
  log_days        = var.log_days
  late_hours      = var.late_hours
  rejected_rows   = var.rejected_rows
}

module "superset" {
  source                   = "../superset"
  count                    = var.certificate_arn == "" ? 0 : 1
  name                     = local.name
  vpc_id                   = module.network.vpc_id
  public_subnet_ids        = module.network.public_subnet_ids
  private_subnet_ids       = module.network.private_subnet_ids
  security_group_id        = module.network.dashboards_security_group_id
  kms_key_arn              = module.lake.kms_key_arn
  logs_bucket              = module.lake.logs_bucket
  log_group                = module.observability.log_groups["superset"]
  cluster_arn              = module.pipeline.cluster_arn
  execution_role_arn       = module.pipeline.execution_role_arn
  task_trust               = module.pipeline.task_trust
  image                    = "${module.pipeline.repository_urls["superset"]}:${var.image_tag}"
  secret_arns              = module.pipeline.secret_arns
  certificate_arn          = var.certificate_arn
  allowed_cidrs            = var.allowed_cidrs
  internal                 = var.internal
  desired_count            = var.superset_count
  deletion_protection      = var.protected
  warehouse                = local.warehouse
  permissions_boundary_arn = local.boundary_arn
}

module "budget" {
  source        = "../budget"
  name          = local.name
  environment   = var.environment
  monthly_usd   = var.monthly_usd
  emails        = var.emails
  sns_topic_arn = module.observability.topic_arn
}

module "ci_identity" {
  source                  = "../ci_identity"
  count                   = var.github_repository == "" ? 0 : 1
  name                    = local.name
  environment             = var.environment
  github_repository       = var.github_repository
  create_oidc_provider    = var.create_oidc_provider
  state_bucket_arn        = var.state_bucket_arn
  state_kms_key_arn       = var.state_kms_key_arn
  glue_prefix             = local.glue_prefix
  hosted_zone_arns        = var.hosted_zone_arns
  extra_deploy_statements = var.extra_deploy_statements
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  boundary_arn = one(module.ci_identity[*].permissions_boundary_arn) # who deploys by CI cannot give a role more than this

  glue_prefix = "millrace_${var.environment}_silver_" # Glue's databases belong to the whole account

  warehouse = merge(module.warehouse, { serving = "serving" })
}
