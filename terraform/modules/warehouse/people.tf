# Roles for people and tools. Who assumes one and asks the workgroup for credentials becomes a database user of the role's
# name, with the database role that the tag RedshiftDbRoles names (runtime.bootstrap makes the database roles).
locals {
  people = { for database_role, principals in { transformer = var.transformer_principals, bi = var.bi_principals } : database_role => sort(principals) if length(principals) > 0 }
}

resource "aws_iam_role" "people" {
  for_each             = local.people
  name                 = "${var.name}-${each.key}"
  description          = "Redshift as the database role ${each.key}"
  max_session_duration = 3600
  permissions_boundary = var.permissions_boundary_arn
  tags                 = { RedshiftDbRoles = each.key }

  # Not sts:TagSession: whoever could tag the session would choose the database role.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = each.value }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "people" {
  for_each = local.people
  name     = "log-in"
  role     = aws_iam_role.people[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "LogIn"
      Effect   = "Allow"
      Action   = ["redshift-serverless:GetCredentials", "redshift-serverless:GetWorkgroup"]
      Resource = aws_redshiftserverless_workgroup.this.arn
    }]
  })
}
