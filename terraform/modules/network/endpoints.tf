# Ways to AWS that do not pass the NAT gateway. S3's costs nothing and is always there; the others cost by the hour.
locals {
  ours = { StringEquals = { "aws:PrincipalAccount" = local.account } }

  s3_statements = concat([
    {
      # Reading may reach any bucket that lets our roles in: sources and drops of other accounts.
      Sid       = "OurRolesRead"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["s3:GetObject*", "s3:GetBucketLocation", "s3:ListBucket*"]
      Resource  = "*"
      Condition = local.ours
    },
    {
      # Writing stays in this account: rows cannot be carried off to somebody else's bucket.
      Sid       = "OurRolesUseOurBuckets"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:*"
      Resource  = "*"
      Condition = { StringEquals = { "aws:PrincipalAccount" = local.account, "aws:ResourceAccount" = local.account } }
    },
    {
      # ECR hands out the layers of images as signed links to a bucket of its own: not our principal, not our bucket.
      Sid       = "LayersOfImages"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "arn:${local.partition}:s3:::prod-${local.region}-starport-layer-bucket/*"
    },
    ], length(var.public_buckets) == 0 ? [] : [{
      Sid       = "PublicBucketsWithoutLogin"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["s3:GetObject", "s3:ListBucket"]
      Resource  = flatten([for arn in sort(var.public_buckets) : [arn, "${arn}/*"]])
  }])
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat(aws_route_table.private[*].id, [aws_route_table.public.id])
  policy            = jsonencode({ Version = "2012-10-17", Statement = local.s3_statements })

  tags = { Name = "${var.name}-s3" }
}

resource "aws_security_group" "endpoints" {
  count       = length(var.interface_endpoints) > 0 ? 1 : 0
  name        = "${var.name}-endpoints"
  description = "Interface endpoints of AWS services"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count             = length(var.interface_endpoints) > 0 ? 1 : 0
  security_group_id = aws_security_group.endpoints[0].id
  description       = "HTTPS from within the VPC"
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_endpoint" "interface" {
  for_each            = var.interface_endpoints
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = aws_security_group.endpoints[*].id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "OurRoles", Effect = "Allow", Principal = "*", Action = "*", Resource = "*", Condition = local.ours }]
  })

  tags = { Name = "${var.name}-${each.key}" }
}
