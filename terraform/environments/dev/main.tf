# A place to try things: small, stops at its limits, gone with one `terraform destroy`.
module "stack" {
  source               = "../../modules/stack"
  environment          = "dev"
  repository           = "${path.root}/../../.."
  image_tag            = var.image_tag
  emails               = var.emails
  source_urls          = var.source_urls
  certificate_arn      = var.certificate_arn
  allowed_cidrs        = var.allowed_cidrs
  github_repository    = var.github_repository
  state_bucket_arn     = var.state_bucket == "" ? "" : "arn:aws:s3:::${var.state_bucket}"
  state_kms_key_arn    = var.state_kms_key_arn == "" ? null : var.state_kms_key_arn
  create_oidc_provider = true # prod uses this one when both are in one account

  cidr            = "10.20.0.0/16"
  nat_gateways    = 1
  landing_days    = 30
  base_rpu        = 4
  max_rpu         = 8
  daily_rpu_hours = 16
  breach_action   = "deactivate"
  serve_resident  = false # sources that run every minute are run by hand: they would keep Redshift awake day and night
  backup_days     = 1
  multi_az        = false
  protected       = false
  log_days        = 30
  monthly_usd     = 300
}
