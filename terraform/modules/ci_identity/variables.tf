variable "name" {
  description = "Prefix of every resource: millrace-<environment>. The deploy role may touch what begins with it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,40}$", var.name))
    error_message = "Small letters, digits and hyphens: it becomes a pattern in policies, where * or an empty name would match all."
  }
}

variable "environment" {
  description = "Name of the GitHub environment whose jobs may deploy: dev or prod."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.environment))
    error_message = "The exact name of a GitHub environment, without * or colons."
  }
}

variable "github_repository" {
  description = "org/repo as GitHub's tokens say it. Repositories made or renamed since 15 July 2026 say org@ID/repo@ID: give that, with the numbers."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", var.github_repository))
    error_message = "org/repo or org@ID/repo@ID, without * : anybody's repository could deploy otherwise."
  }
}

variable "create_oidc_provider" {
  description = "Make the account's identity provider for GitHub. One per account: false for its second environment, or where it exists."
  type        = bool
  default     = true
}

variable "state_bucket_arn" {
  description = "ARN of the bucket that holds Terraform's state."
  type        = string

  validation {
    condition     = startswith(var.state_bucket_arn, "arn:")
    error_message = "state_bucket_arn is an ARN."
  }
}

variable "state_prefix" {
  description = "What the key of this environment's state begins with; unset: <environment>/."
  type        = string
  default     = null

  validation {
    condition     = var.state_prefix == null || can(regex("^[^*]+$", var.state_prefix))
    error_message = "A beginning of a key, without *."
  }
}

variable "state_kms_key_arn" {
  description = "Key of the state's bucket, if it has one."
  type        = string
  default     = null
}

variable "project" {
  description = "Value of the tag Project that the provider puts on everything."
  type        = string
  default     = "millrace"
}

variable "glue_prefix" {
  description = "Prefix of silver's Glue databases."
  type        = string
  default     = "silver_"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*$", var.glue_prefix))
    error_message = "Small letters, digits and underscores, and not empty."
  }
}

variable "ecr_repositories" {
  description = "Repositories that images are pushed to; empty: <name>-pipeline and <name>-superset."
  type        = set(string)
  default     = []
}

variable "hosted_zone_arns" {
  description = "Route 53 zones in which Terraform keeps the dashboards' name and its certificate's proof."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "require_permissions_boundary" {
  description = "The deploy role makes and changes only roles that carry the boundary. Off, who deploys can make himself an administrator."
  type        = bool
  default     = true
}

variable "extra_deploy_statements" {
  description = "More statements for the deploy role, for what a team adds to the stack. Statement Never still wins."
  type        = any
  default     = []
  nullable    = false
}
