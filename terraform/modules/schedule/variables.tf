variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string
}

variable "sources" {
  description = "The decoded source.yml of each source, by its name: the one statement of when it runs."
  type        = any

  validation {
    condition     = alltrue([for name, source in var.sources : can(regex("^[a-z][a-z0-9_]*$", name)) && can(source.schedule)])
    error_message = "Every source is a folder named in lower case whose source.yml has a `schedule`."
  }
}

variable "resident_below_minutes" {
  description = "A source that comes more often than this many minutes is left to the resident task; 0: none is."
  type        = number
  default     = 5
}

variable "wait_seconds" {
  description = "How long a task waits for another run to end before it gives up (exit code 5)."
  type        = number
  default     = 3600
  nullable    = false
}

variable "cluster_arn" {
  description = "ECS cluster of the tasks."
  type        = string
}

variable "task_definition_arn" {
  description = "The pipeline's task definition, without revision."
  type        = string
}

variable "task_role_arn" {
  description = "Role of the task's code, to be passed on."
  type        = string
}

variable "execution_role_arn" {
  description = "Role by which ECS starts the task, to be passed on."
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
  description = "Key of the schedules and of the queue of what could not be started."
  type        = string
}

variable "drops_bucket" {
  description = "Bucket whose new objects start a run: <source>/<file>."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "The most that the roles made here may be allowed (ci_identity makes it); null: no boundary."
  type        = string
  default     = null
}
