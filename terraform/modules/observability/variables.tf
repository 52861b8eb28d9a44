variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of the logs and of the messages to the team."
  type        = string
}

variable "sources" {
  description = "The sources by name; each gets an alarm of its own on freshness."
  type        = any
}

variable "unscheduled" {
  description = "Sources that nothing runs by itself here: they are not late."
  type        = set(string)
  default     = []
}

variable "cluster_arn" {
  description = "ECS cluster whose tasks are watched."
  type        = string
}

variable "unstarted_queue" {
  description = "Queue of runs that could not be started."
  type        = string
}

variable "workgroup_name" {
  description = "Redshift Serverless workgroup, for the dashboard."
  type        = string
}

variable "db_instance" {
  description = "RDS instance, for its alarm on storage and the dashboard."
  type        = string
}

variable "emails" {
  description = "Who hears of alarms; each confirms a mail from AWS once."
  type        = list(string)

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@ ]+@[^@ ]+$", email))])
    error_message = "These are mail addresses."
  }
}

variable "log_days" {
  description = "Days that logs are kept: one of the numbers CloudWatch knows."
  type        = number
  default     = 365
}

variable "late_hours" {
  description = "Hours that a source may be late by its own schedule before somebody is told."
  type        = number
  default     = 6
}

variable "rejected_rows" {
  description = "Rejected rows in a day from which somebody is told. A source's own limit (max_rejected) fails its run besides."
  type        = number
  default     = 1000
  nullable    = false
}
