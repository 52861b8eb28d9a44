variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "public_subnet_ids" {
  description = "Subnets of a balancer that is reached from the internet."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Subnets of the tasks, and of an internal balancer."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group of Superset's tasks; a way in from the balancer is added to it."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of the secrets."
  type        = string
}

variable "logs_bucket" {
  description = "Bucket of the balancer's access logs."
  type        = string
}

variable "log_group" {
  description = "CloudWatch log group of the tasks."
  type        = string
}

variable "cluster_arn" {
  description = "ECS cluster."
  type        = string
}

variable "execution_role_arn" {
  description = "Role by which ECS starts tasks."
  type        = string
}

variable "task_trust" {
  description = "Trust policy of a task's role, as JSON."
  type        = string
}

variable "image" {
  description = "Superset's image with its tag."
  type        = string
}

variable "secret_arns" {
  description = "The project's secrets by name: superset, superset-meta and dashboards are read."
  type        = map(string)
}

variable "warehouse" {
  description = "Redshift, for the dashboards' own user: endpoint, port, the pipeline's database and the one they read."
  type = object({
    endpoint = string
    port     = number
    database = string
    serving  = string
  })
}

variable "certificate_arn" {
  description = "ACM certificate of the dashboards' host name, in this region."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:acm:", var.certificate_arn))
    error_message = "An ACM certificate: arn:aws:acm:<region>:<account>:certificate/<id>. docs/deploy.md says how to get one."
  }
}

variable "allowed_cidrs" {
  description = "Networks whose people may reach the dashboards, such as the office's or the VPN's."
  type        = list(string)

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0)) && cidr != "0.0.0.0/0"])
    error_message = "Name the networks (CIDR). The whole internet is not one: put a sign-on in front of it first."
  }
}

variable "internal" {
  description = "true: the balancer has private addresses only, for people in a VPN or a peered network."
  type        = bool
  default     = false
}

variable "desired_count" {
  description = "Superset tasks that run."
  type        = number
  default     = 1
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "Memory of a task in MiB: two workers of 280 MB and what they hold of answers."
  type        = number
  default     = 2048
}

variable "deletion_protection" {
  description = "Whether the balancer must be unprotected before it can be destroyed."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "The most that the roles made here may be allowed (ci_identity makes it); null: no boundary."
  type        = string
  default     = null
}
