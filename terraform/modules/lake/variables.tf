variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,44}[a-z0-9]$", var.name))
    error_message = "Buckets are named <name>-drops-<account>, 63 characters at most: small letters, digits and hyphens, up to 46 of them."
  }
}

variable "sources" {
  description = "The declared sources: decoded source.yml by source name. Landing has an expiry rule per table that is read."
  type        = any

  validation {
    condition     = alltrue([for source in values(var.sources) : can(keys(source.tables))])
    error_message = "Each source is a decoded source.yml and has tables."
  }
}

variable "landing_days" {
  description = "Days that raw rows, with what is personal in them, are kept. A replay reaches back as far."
  type        = number
  default     = 30

  validation {
    condition     = var.landing_days >= 1 && var.landing_days <= 3650 && floor(var.landing_days) == var.landing_days
    error_message = "landing_days is a whole number of days, 1 to 3650."
  }
}

variable "silver_noncurrent_days" {
  description = "Days that a replaced or deleted object of silver can still be brought back."
  type        = number
  default     = 14

  validation {
    condition     = var.silver_noncurrent_days >= 1 && floor(var.silver_noncurrent_days) == var.silver_noncurrent_days
    error_message = "silver_noncurrent_days is a whole number of days from 1."
  }
}

variable "silver_tiering_days" {
  description = "Days after which an object of silver moves to Intelligent-Tiering: each move costs, so not on its first day."
  type        = number
  default     = 30

  validation {
    condition     = var.silver_tiering_days >= 0
    error_message = "silver_tiering_days is 0 or more."
  }
}

variable "drops_days" {
  description = "Days that dropped files are kept after they came."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.drops_days >= 2
    error_message = "A dropped file must outlive a weekend's failed run: drops_days is 2 or more."
  }
}

variable "log_days" {
  description = "Days that access logs of buckets and load balancers are kept."
  type        = number
  default     = 365

  validation {
    condition     = var.log_days >= 1
    error_message = "log_days is 1 or more."
  }
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete buckets that still hold objects. For environments that may be lost."
  type        = bool
  default     = false
}

variable "drops_writers" {
  description = "ARNs of roles and users, of other accounts too, that may drop files. They may write, not read and not list."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.drops_writers : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/", arn))])
    error_message = "drops_writers are ARNs of roles or users; a whole account or * is too much."
  }
}

variable "publishers" {
  description = "Services that publish to encrypted topics in this account's name: alarms, and the budget."
  type        = set(string)
  default     = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]

  validation {
    condition     = alltrue([for service in var.publishers : endswith(service, ".amazonaws.com")])
    error_message = "publishers are service principals such as cloudwatch.amazonaws.com."
  }
}

variable "key_deletion_days" {
  description = "Days between the key's deletion and its end, 7 to 30: the time to change one's mind, all data hangs on it."
  type        = number
  default     = 30

  validation {
    condition     = var.key_deletion_days >= 7 && var.key_deletion_days <= 30
    error_message = "KMS allows 7 to 30 days."
  }
}
