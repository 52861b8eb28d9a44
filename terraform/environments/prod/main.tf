# What the team relies on: survives a zone, a mistaken destroy and a hungry query.
module "stack" {
  source               = "../../modules/stack"
  environment          = "prod"
  repository           = "${path.root}/../../.."
  image_tag            = var.image_tag
  emails               = var.emails
  source_urls          = var.source_urls
  certificate_arn      = var.certificate_arn
  allowed_cidrs        = var.allowed_cidrs
  github_repository    = var.github_repository
  state_bucket_arn     = var.state_bucket == "" ? "" : "arn:aws:s3:::${var.state_bucket}"
  state_kms_key_arn    = var.state_kms_key_arn == "" ? null : var.state_kms_key_arn
  create_oidc_provider = false # dev made it; true when prod has an account of its own

  cidr                = "10.30.0.0/16"
  nat_gateways        = 3
  interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
  landing_days        = 90
  base_rpu            = 4
  max_rpu             = 16
  daily_rpu_hours     = 120
  breach_action       = "emit-metric"
  serve_resident      = true
  backup_days         = 14
  multi_az            = true
  protected           = true
  log_days            = 365
  monthly_usd         = 1600
}
