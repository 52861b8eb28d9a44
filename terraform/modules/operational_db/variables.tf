variable "name" {
  description = "Prefix of every resource: millrace-<environment>. The instance has this name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 48
    error_message = "RDS takes small letters, digits and single hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, in two zones at least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS needs subnets in two zones, also with one instance."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect: the pipeline's, the dashboards'."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key of the data, backups, the admin's password, logs and performance figures."
  type        = string
}

variable "instance_class" {
  description = "Size of the instance. The smallest is enough for SQLMesh's state, Superset's users and small operational tables."
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "An RDS class such as db.t4g.micro."
  }
}

variable "allocated_storage" {
  description = "Disk in GiB; gp3 begins at 20."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.allocated_storage >= 20
    error_message = "gp3 begins at 20 GiB."
  }
}

variable "max_allocated_storage" {
  description = "GiB up to which the disk grows by itself."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.max_allocated_storage >= var.allocated_storage * 1.1
    error_message = "RDS wants max_allocated_storage to be at least a tenth more than allocated_storage."
  }
}

variable "backup_days" {
  description = "Days that can be gone back to, to the second; 1 to 35."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "RDS keeps 1 to 35 days; 0 would turn backups off."
  }
}

variable "multi_az" {
  description = "A standby in a second zone, at twice the price."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Refuse to delete the instance until this is off."
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Delete the instance without a last snapshot and with its backups: only where its data may be lost."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that the server's logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "slow_statement_ms" {
  description = "Statements slower than this are logged with their text."
  type        = number
  default     = 5000

  validation {
    condition     = var.slow_statement_ms >= 100
    error_message = "100 ms or more: the texts hold values, and the log costs by volume."
  }
}

variable "monitoring_seconds" {
  description = "Interval of the operating system's figures (enhanced monitoring); 0: off."
  type        = number
  default     = 0

  validation {
    condition     = contains([0, 1, 5, 10, 15, 30, 60], var.monitoring_seconds)
    error_message = "RDS knows 0, 1, 5, 10, 15, 30 and 60."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of the role made here; module ci_identity makes one."
  type        = string
  default     = null
}
