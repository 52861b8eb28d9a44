# The groups of what talks: other modules name them in their own ingress rules. Names, not addresses, decide.
resource "aws_security_group" "pipeline" {
  #checkov:skip=CKV2_AWS_5:Attached to the tasks by modules pipeline and schedule.
  name        = "${var.name}-pipeline"
  description = "Tasks of the pipeline: they reach out, nothing reaches them"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-pipeline" }
}

resource "aws_security_group" "dashboards" {
  #checkov:skip=CKV2_AWS_5:Attached to the service by module superset, which adds the way in from its load balancer.
  name        = "${var.name}-dashboards"
  description = "Superset: reads Redshift and its own Postgres"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-dashboards" }
}

locals {
  egress = merge(
    {
      "pipeline-https"      = { group = "pipeline", port = 443, cidr = "0.0.0.0/0", description = "AWS, sources by HTTPS, alerts" }
      "pipeline-http"       = { group = "pipeline", port = 80, cidr = "0.0.0.0/0", description = "Sources that still speak HTTP" }
      "pipeline-postgres"   = { group = "pipeline", port = 5432, cidr = var.cidr, description = "State and operational tables" }
      "pipeline-redshift"   = { group = "pipeline", port = 5439, cidr = var.cidr, description = "Redshift" }
      "dashboards-https"    = { group = "dashboards", port = 443, cidr = "0.0.0.0/0", description = "AWS, images and secrets" }
      "dashboards-postgres" = { group = "dashboards", port = 5432, cidr = var.cidr, description = "Superset's own Postgres" }
      "dashboards-redshift" = { group = "dashboards", port = 5439, cidr = var.cidr, description = "Redshift" }
    },
    {
      for database in var.source_databases : "pipeline-source-${database.cidr}-${database.port}" =>
      { group = "pipeline", port = database.port, cidr = database.cidr, description = "A source's database" }
    },
  )
  groups = { pipeline = aws_security_group.pipeline.id, dashboards = aws_security_group.dashboards.id }
}

resource "aws_vpc_security_group_egress_rule" "clients" {
  for_each          = local.egress
  security_group_id = local.groups[each.value.group]
  description       = each.value.description
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}
