variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets the tasks run in."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group of the tasks."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of images, secrets and what the tasks keep on disk."
  type        = string
}

variable "log_group" {
  description = "CloudWatch log group of the tasks."
  type        = string
}

variable "image_tag" {
  description = "Tag of the pipeline's image in the repository made here: the commit it was built from."
  type        = string

  validation {
    condition     = var.image_tag != "latest"
    error_message = "Tags cannot be overwritten in the repository; name the commit, so that what runs can be told."
  }
}

variable "cpu" {
  description = "CPU units of a task; 1024 is one core."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "Memory of a task in MiB. DuckDB may use half of it (ELT_MEMORY), the rest is Python's and Arrow's."
  type        = number
  default     = 4096
}

variable "disk" {
  description = "Scratch disk of a task in GiB, 21 to 200: the largest file of a source must fit three times."
  type        = number
  default     = 30
}

variable "stop_seconds" {
  description = "Seconds that a stopped task gets to end its turn; Fargate allows 120 at most."
  type        = number
  default     = 120
}

variable "lake" {
  description = "The lake: URL, bucket ARN, prefix of its objects, and the ARN of the bucket that files are dropped in."
  type = object({
    url        = string
    bucket_arn = string
    prefix     = string
    drops_arn  = string
  })
}

variable "glue_prefix" {
  description = "Silver's databases in the Glue catalog are this and the source's name."
  type        = string
}

variable "spectrum" {
  description = "Whether Redshift's role may read silver: the bootstrap makes external schemas for sources that ask for them."
  type        = bool
  default     = false
  nullable    = false
}

variable "warehouse" {
  description = "Redshift: workgroup, endpoint, database, the role it reads the lake by, the admin's secret."
  type = object({
    workgroup_name   = string
    workgroup_arn    = string
    endpoint         = string
    port             = number
    database         = string
    serving          = string
    copy_role_arn    = string
    admin_secret_arn = string
  })
}

variable "operational_db" {
  description = "Postgres of SQLMesh's state, the lock and the operational tables; and its admin's secret."
  type = object({
    host             = string
    port             = number
    database         = string
    admin_secret_arn = string
  })
}

variable "source_environment" {
  description = "ELT_<NAME> variables of the sources; values are addresses or secret:NAME#key."
  type        = map(string)
}

variable "resident" {
  description = "Sources that come too often for a task each time: one task stays and serves them."
  type        = list(string)
  default     = []
}

variable "serve_resident" {
  description = "Whether the resident task runs; its definition is there all the same."
  type        = bool
  default     = true
}

variable "force_delete" {
  description = "Whether the image repositories go with their images when they are destroyed."
  type        = bool
  default     = false
}

variable "secret_recovery_days" {
  description = "Days in which a deleted secret can be brought back; 0 deletes at once."
  type        = number
  default     = 30
}

variable "permissions_boundary_arn" {
  description = "The most that the roles made here may be allowed (ci_identity makes it); null: no boundary."
  type        = string
  default     = null
}
