# Secrets without values: the bootstrap task makes the passwords inside the account, the team fills in `sources`.
# No value is ever in Terraform's state or in anybody's shell history.
locals {
  secrets = {
    state         = "Postgres user of the pipeline: username, password, host, port, dbname, url"
    superset-meta = "Postgres user of Superset's own database: username, password, url"
    dashboards    = "Redshift user of the dashboards, who may only read: username, password"
    superset      = "Superset: secret_key that signs its sessions, admin_password of its first user"
    pii-salt      = "Salt of hashed personal fields. Never change it: hashes would no longer match"
    sources       = "JSON object with what sources need: database addresses, API keys. Filled by the team"
  }

  # Secrets Manager adds six characters to a name.
  secret_arns = { for name in keys(local.secrets) : name => "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${var.name}/${name}-??????" }
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:no Lambda rotates them: `runtime.bootstrap --rotate NAME` makes a new password in the database and here together
  for_each                = local.secrets
  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.secret_recovery_days
}
