mock_provider "aws" {
  source = "../../testing"
}

variables {
  name        = "millrace-test"
  kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/k"
}

run "three_zones_public_and_private" {
  command = plan

  assert {
    condition     = aws_subnet.private[*].availability_zone == ["us-east-1a", "us-east-1b", "us-east-1c"] && aws_subnet.public[*].availability_zone == aws_subnet.private[*].availability_zone
    error_message = "Redshift Serverless needs three subnets in three zones."
  }
  assert {
    condition     = concat(aws_subnet.private[*].cidr_block, aws_subnet.public[*].cidr_block) == ["10.20.0.0/20", "10.20.16.0/20", "10.20.32.0/20", "10.20.240.0/24", "10.20.241.0/24", "10.20.242.0/24"]
    error_message = "Six subnets that do not overlap."
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "Nothing gets a public address by itself."
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 3
    error_message = "One NAT gateway serves the three zones."
  }
  assert {
    condition     = aws_vpc.this.enable_dns_support && aws_vpc.this.enable_dns_hostnames
    error_message = "Endpoints are found by name."
  }
}

run "the_default_group_lets_nothing_through" {
  command = apply

  assert {
    condition     = aws_default_security_group.this.vpc_id == aws_vpc.this.id
    error_message = "The VPC's own group is managed, so that its rules are removed."
  }
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_flow_log.this.log_destination == aws_cloudwatch_log_group.flow.arn && aws_flow_log.this.iam_role_arn == aws_iam_role.flow.arn
    error_message = "Accepted and refused connections are logged."
  }
  assert {
    condition     = length(output.public_subnet_ids) == 3 && length(output.private_subnet_ids) == 3 && output.vpc_cidr == "10.20.0.0/16"
    error_message = "What other modules take is there."
  }
}

run "clients_reach_out_and_nothing_reaches_them" {
  command = plan

  assert {
    condition = toset([for rule in aws_vpc_security_group_egress_rule.clients : "${rule.ip_protocol} ${rule.from_port}-${rule.to_port} ${rule.cidr_ipv4}"]) == toset([
      "tcp 443-443 0.0.0.0/0", "tcp 80-80 0.0.0.0/0", "tcp 5432-5432 0.0.0.0/0", "tcp 5432-5432 10.20.0.0/16", "tcp 5439-5439 10.20.0.0/16",
    ])
    error_message = "One port each; databases inside the VPC, but for a source's."
  }
  assert {
    condition     = toset([for name, rule in aws_vpc_security_group_egress_rule.clients : "${rule.from_port} ${rule.cidr_ipv4}" if startswith(name, "dashboards-")]) == toset(["443 0.0.0.0/0", "5432 10.20.0.0/16", "5439 10.20.0.0/16"])
    error_message = "Superset reaches AWS, its Postgres and Redshift."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.endpoints) == 0 && length(aws_vpc_endpoint.interface) == 0
    error_message = "Nothing made here listens."
  }
}

run "sources_databases_can_be_narrowed" {
  command = plan

  variables {
    source_databases = [{ cidr = "192.0.2.10/32", port = 6432 }]
  }

  assert {
    condition     = [for name, rule in aws_vpc_security_group_egress_rule.clients : "${rule.from_port} ${rule.cidr_ipv4}" if startswith(name, "pipeline-source-")] == ["6432 192.0.2.10/32"]
    error_message = "Only the source's own database."
  }
}

run "s3_is_not_open_to_the_world" {
  command = plan

  assert {
    condition = { for s in jsondecode(aws_vpc_endpoint.s3.policy).Statement : s.Sid => try(s.Condition.StringEquals, null) } == {
      OurRolesRead          = { "aws:PrincipalAccount" = "123456789012" }
      OurRolesUseOurBuckets = { "aws:PrincipalAccount" = "123456789012", "aws:ResourceAccount" = "123456789012" }
      LayersOfImages        = null
    }
    error_message = "Our roles read anywhere they may, write in this account, and nobody else uses the endpoint but for image layers."
  }
  assert {
    condition     = alltrue([for action in one([for s in jsondecode(aws_vpc_endpoint.s3.policy).Statement : s.Action if s.Sid == "OurRolesRead"]) : startswith(action, "s3:Get") || startswith(action, "s3:List")])
    error_message = "Buckets of other accounts can be read, not written."
  }
  assert {
    condition     = one([for s in jsondecode(aws_vpc_endpoint.s3.policy).Statement : [s.Action, s.Resource] if s.Sid == "LayersOfImages"]) == ["s3:GetObject", "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"]
    error_message = "ECR's layers of this region can be read."
  }
  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.us-east-1.s3"
    error_message = "S3 is reached by the gateway endpoint, which costs nothing."
  }
}

run "interface_endpoints_for_our_roles_only" {
  command = plan

  variables {
    interface_endpoints = ["ecr.api", "glue"]
    public_buckets      = ["arn:aws:s3:::nyc-tlc"]
  }

  assert {
    condition     = [for endpoint in aws_vpc_endpoint.interface : endpoint.service_name] == ["com.amazonaws.us-east-1.ecr.api", "com.amazonaws.us-east-1.glue"]
    error_message = "One endpoint per service."
  }
  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled && [for s in jsondecode(endpoint.policy).Statement : s.Condition] == [{ StringEquals = { "aws:PrincipalAccount" = "123456789012" } }]])
    error_message = "Only principals of this account pass."
  }
  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.endpoints : "${rule.from_port}-${rule.to_port} ${rule.cidr_ipv4}"] == ["443-443 10.20.0.0/16"]
    error_message = "HTTPS from the VPC."
  }
  assert {
    condition     = one([for s in jsondecode(aws_vpc_endpoint.s3.policy).Statement : s.Resource if s.Sid == "PublicBucketsWithoutLogin"]) == ["arn:aws:s3:::nyc-tlc", "arn:aws:s3:::nyc-tlc/*"]
    error_message = "A public bucket is named."
  }
}

run "flow_logs_write_their_own_group" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.flow.assume_role_policy).Statement == [{
      Effect = "Allow", Principal = { Service = "vpc-flow-logs.amazonaws.com" }, Action = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ec2:us-east-1:123456789012:vpc-flow-log/*" }
      }
    }]
    error_message = "Flow logs of this account only."
  }
  assert {
    condition     = toset(flatten([for s in jsondecode(aws_iam_role_policy.flow.policy).Statement : s.Action])) == toset(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:DescribeLogGroups"])
    error_message = "Writing lines, nothing else."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.flow.policy).Statement[0].Resource == "arn:aws:logs:us-east-1:123456789012:log-group:/millrace-test/network/flow:*"
    error_message = "Their own log group."
  }
  assert {
    condition     = aws_cloudwatch_log_group.flow.kms_key_id == "arn:aws:kms:us-east-1:123456789012:key/k" && aws_cloudwatch_log_group.flow.retention_in_days == 365
    error_message = "Encrypted, and not kept for ever."
  }
}

run "three_nat_gateways" {
  command = plan

  variables {
    nat_gateways = 3
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_eip.nat) == 3
    error_message = "One per zone."
  }
}

run "no_nat_gateway_is_refused" {
  command = plan

  variables {
    nat_gateways = 0
  }

  expect_failures = [var.nat_gateways]
}

run "a_small_vpc_is_refused" {
  command = plan

  variables {
    cidr = "10.20.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "two_zones_are_refused" {
  command = plan

  variables {
    availability_zones = ["us-east-1a", "us-east-1b"]
  }

  expect_failures = [var.availability_zones]
}
