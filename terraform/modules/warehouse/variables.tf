variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]{3,64}$", var.name))
    error_message = "Redshift's names are 3 to 64 small letters, digits and hyphens."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, in three zones at least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 3
    error_message = "Redshift Serverless needs three subnets in three zones."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect: the pipeline's, the dashboards'."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key of the data, the admin's password, the logs, and of the lake."
  type        = string
}

variable "bucket_arn" {
  description = "ARN of the lake's bucket."
  type        = string
}

variable "prefix" {
  description = "Prefix of the lake's objects, without slashes."
  type        = string
  default     = "elt"

  validation {
    condition     = can(regex("^[^/*].*[^/*]$", var.prefix))
    error_message = "A prefix without slashes at its ends and without *."
  }
}

variable "base_rpu" {
  description = "Capacity a query begins with. 4 is the least and enough for the demo's size; 4 allows 32 TB. 1 RPU has 16 GB of memory."
  type        = number
  default     = 4

  validation {
    condition     = var.base_rpu == 4 || (var.base_rpu >= 8 && var.base_rpu <= 1024 && var.base_rpu % 8 == 0)
    error_message = "base_rpu is 4, or 8 to 1024 in steps of 8."
  }
}

variable "max_rpu" {
  description = "Capacity that Redshift never exceeds, whatever is asked of it."
  type        = number
  default     = 8

  validation {
    condition     = var.max_rpu == 4 || (var.max_rpu >= 8 && var.max_rpu <= 5632 && var.max_rpu % 8 == 0)
    error_message = "max_rpu is 4, or 8 and more in steps of 8."
  }
}

variable "daily_rpu_hours" {
  description = "RPU-hours of a day (UTC) after which breach_action happens: the cap on the bill. 24 are six hours at 4 RPU."
  type        = number
  default     = 24

  validation {
    condition     = var.daily_rpu_hours >= 1 && floor(var.daily_rpu_hours) == var.daily_rpu_hours
    error_message = "daily_rpu_hours is a whole number from 1."
  }
}

variable "breach_action" {
  description = "What happens then: deactivate (no more queries until midnight UTC; runs fail and tell), emit-metric (an alarm can follow) or log."
  type        = string
  default     = "deactivate"

  validation {
    condition     = contains(["deactivate", "emit-metric", "log"], var.breach_action)
    error_message = "breach_action is deactivate, emit-metric or log."
  }
}

variable "max_query_seconds" {
  description = "Seconds after which a query is ended: a guard against a join that never ends."
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.max_query_seconds >= 60 && var.max_query_seconds <= 86399
    error_message = "max_query_seconds is 60 to 86399."
  }
}

variable "database" {
  description = "First database, of staging and gold. `serving`, which dashboards read, is made by runtime.bootstrap."
  type        = string
  default     = "warehouse"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database))
    error_message = "Small letters, digits, underscores."
  }
}

variable "log_exports" {
  description = "Audit logs that go to CloudWatch: connections, changes of users, each query."
  type        = set(string)
  default     = ["connectionlog", "useractivitylog", "userlog"]

  validation {
    condition     = alltrue([for log in var.log_exports : contains(["connectionlog", "useractivitylog", "userlog"], log)])
    error_message = "Redshift has connectionlog, useractivitylog and userlog."
  }
}

variable "log_retention_days" {
  description = "Days that audit logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "spectrum" {
  description = "Let Redshift read silver in the lake: for tables of `staging: external`, and for people. Billed per byte read."
  type        = bool
  default     = false
  nullable    = false
}

variable "glue_prefix" {
  description = "Prefix of silver's Glue databases, for spectrum."
  type        = string
  default     = "silver_"
}

variable "transformer_principals" {
  description = "ARNs of roles and users that may work as the database role transformer. None: the role is not made."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.transformer_principals : startswith(arn, "arn:")])
    error_message = "ARNs; * would be everybody."
  }
}

variable "bi_principals" {
  description = "ARNs of roles and users that may work as the database role bi. None: the role is not made."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.bi_principals : startswith(arn, "arn:")])
    error_message = "ARNs; * would be everybody."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of the roles made here; module ci_identity makes one."
  type        = string
  default     = null
}
