# What data sources answer in tests: no account is asked, with any provider.
mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
    arn        = "arn:aws:iam::123456789012:user/test"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition  = "aws"
    dns_suffix = "amazonaws.com"
  }
}

mock_data "aws_region" {
  defaults = {
    region = "us-east-1"
  }
}

mock_data "aws_availability_zones" {
  defaults = {
    names = ["us-east-1a", "us-east-1b", "us-east-1c"]
  }
}

# What AWS fills in, where more than a name is looked at.
mock_resource "aws_db_instance" {
  defaults = {
    master_user_secret = [{
      secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1"
    }]
  }
}

mock_resource "aws_redshiftserverless_workgroup" {
  defaults = {
    endpoint = [{
      address = "test.123456789012.us-east-1.redshift-serverless.amazonaws.com"
      port    = 5439
    }]
  }
}
