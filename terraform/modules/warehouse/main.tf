data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
}

# Redshift writes into a group of this name if there is one, and makes one that is kept for ever if not.
resource "aws_cloudwatch_log_group" "audit" {
  #checkov:skip=CKV_AWS_338:A year unless the environment says less: a dev environment has nothing to prove a year later.
  for_each          = var.log_exports
  name              = "/aws/redshift/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_redshiftserverless_namespace" "this" {
  namespace_name                   = var.name
  db_name                          = var.database
  admin_username                   = "millrace_admin"
  manage_admin_password            = true # made, kept and rotated by AWS; Terraform never sees it
  admin_password_secret_kms_key_id = var.kms_key_arn
  kms_key_id                       = var.kms_key_arn
  iam_roles                        = [aws_iam_role.copy.arn]
  default_iam_role_arn             = aws_iam_role.copy.arn
  log_exports                      = var.log_exports

  depends_on = [aws_cloudwatch_log_group.audit]
}

resource "aws_redshiftserverless_workgroup" "this" {
  workgroup_name       = var.name
  namespace_name       = aws_redshiftserverless_namespace.this.namespace_name
  base_capacity        = var.base_rpu
  max_capacity         = var.max_rpu
  subnet_ids           = var.subnet_ids
  security_group_ids   = [aws_security_group.this.id]
  publicly_accessible  = false
  enhanced_vpc_routing = true # COPY and UNLOAD take the VPC's way to S3, where its endpoint's policy holds

  # All that AWS sets by itself, too: what is not written here would show up as a change in each plan.
  dynamic "config_parameter" {
    for_each = {
      auto_mv                          = "true"
      datestyle                        = "ISO, MDY"
      enable_case_sensitive_identifier = "false"
      enable_user_activity_logging     = "true"
      max_query_execution_time         = tostring(var.max_query_seconds)
      query_group                      = "default"
      require_ssl                      = "true"
      search_path                      = "$user, public"
      use_fips_ssl                     = "false"
    }

    content {
      parameter_key   = config_parameter.key
      parameter_value = config_parameter.value
    }
  }

  lifecycle {
    # AWS adds keys that provider 6 does not accept yet (enable_large_strings_opt_in); comparing would then fail each
    # apply. They are set when the workgroup is made; the README says how to change one later.
    ignore_changes = [config_parameter]

    precondition {
      condition     = var.max_rpu >= var.base_rpu
      error_message = "max_rpu (${var.max_rpu}) is less than base_rpu (${var.base_rpu})."
    }
  }
}

resource "aws_redshiftserverless_usage_limit" "daily" {
  resource_arn  = aws_redshiftserverless_workgroup.this.arn
  usage_type    = "serverless-compute"
  period        = "daily"
  amount        = var.daily_rpu_hours
  breach_action = var.breach_action
}

resource "aws_security_group" "this" {
  name        = "${var.name}-warehouse"
  description = "Redshift: lets the pipeline and the dashboards in"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-warehouse" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  count                        = length(var.client_security_group_ids) # by number: ids are not known before the apply
  security_group_id            = aws_security_group.this.id
  description                  = "Redshift from a client's group"
  referenced_security_group_id = var.client_security_group_ids[count.index]
  ip_protocol                  = "tcp"
  from_port                    = 5439
  to_port                      = 5439
}

# S3 by its gateway endpoint, Glue for Spectrum by whatever way the VPC has.
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.this.id
  description       = "COPY, UNLOAD and Spectrum: S3, Glue"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
