mock_provider "aws" {
  source = "../../testing"
}

variables {
  name               = "millrace-test"
  vpc_id             = "vpc-1"
  public_subnet_ids  = ["subnet-a", "subnet-b", "subnet-c"]
  private_subnet_ids = ["subnet-1", "subnet-2", "subnet-3"]
  security_group_id  = "sg-1"
  kms_key_arn        = "arn:aws:kms:eu-west-1:123456789012:key/k"
  logs_bucket        = "millrace-test-logs"
  log_group          = "/millrace-test/superset"
  cluster_arn        = "arn:aws:ecs:eu-west-1:123456789012:cluster/millrace-test"
  execution_role_arn = "arn:aws:iam::123456789012:role/millrace-test-execution"
  task_trust         = "{\"Version\":\"2012-10-17\"}"
  image              = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/millrace-test-superset:abc"
  secret_arns        = { superset = "arn:s1", superset-meta = "arn:s2", dashboards = "arn:s3", state = "arn:s4", sources = "arn:s5" }
  warehouse          = { endpoint = "w.example", port = 5439, database = "warehouse", serving = "serving" }
  certificate_arn    = "arn:aws:acm:eu-west-1:123456789012:certificate/c"
  allowed_cidrs      = ["203.0.113.0/24"]
}

run "people_come_in_by_tls_from_known_networks" {
  command = apply

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && startswith(aws_lb_listener.https.ssl_policy, "ELBSecurityPolicy-TLS13")
    error_message = "TLS 1.2 at least."
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "Plain HTTP says where HTTPS is, no more."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.people : contains(var.allowed_cidrs, rule.cidr_ipv4)])
    error_message = "Only the named networks."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.balancer.referenced_security_group_id == aws_security_group.balancer.id
    error_message = "The tasks take requests from the balancer alone."
  }

  assert {
    condition     = aws_lb.this.access_logs[0].enabled && aws_lb.this.drop_invalid_header_fields && aws_lb.this.enable_deletion_protection
    error_message = "Requests are written down, odd headers dropped, the balancer is not destroyed by mistake."
  }
}

run "superset_reads_its_own_secrets_only" {
  command = apply

  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Resource if s.Sid == "Secrets"][0] == ["arn:s1", "arn:s2", "arn:s3"]
    error_message = "Not the pipeline's secrets."
  }

  assert {
    condition     = toset(flatten([for s in jsondecode(aws_iam_role_policy.task.policy).Statement : s.Action])) == toset(["secretsmanager:GetSecretValue", "kms:Decrypt"])
    error_message = "It may do nothing else in AWS."
  }

  assert {
    condition     = aws_iam_role.task.assume_role_policy == var.task_trust
    error_message = "The same trust as every task's role."
  }

  assert {
    condition     = alltrue([for c in jsondecode(aws_ecs_task_definition.this.container_definitions) : c.readonlyRootFilesystem && c.user == "10002:10002"])
    error_message = "No root, no writing but in the scratch folders."
  }

  assert {
    condition     = alltrue([for e in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment : startswith(e.value, "secret:") if can(regex("PASSWORD|SECRET|URL", e.name))])
    error_message = "A secret's value stands in the task definition."
  }
}

run "the_whole_internet_is_refused" {
  command = plan

  variables {
    allowed_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "an_internal_balancer_has_private_addresses" {
  command = apply

  variables {
    internal = true
  }

  assert {
    condition     = aws_lb.this.internal && aws_lb.this.subnets == toset(var.private_subnet_ids)
    error_message = "Internal means in the private subnets."
  }
}
