terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  # Which bucket is said at `terraform init -backend-config=...`: docs/deploy.md. The lock is an object beside the state.
  backend "s3" {
    key          = "dev/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = "millrace"
      Environment = "dev"
      ManagedBy   = "terraform"
    }
  }
}
