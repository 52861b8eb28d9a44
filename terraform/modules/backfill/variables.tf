variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string
}

variable "tasks" {
  description = "How many pieces are read side by side, each by a task: what the source can answer, 40 at most."
  type        = number

  validation {
    condition     = var.tasks >= 1 && var.tasks <= 40 && floor(var.tasks) == var.tasks
    error_message = "Step Functions runs 40 iterations of an inline Map at a time at most: name a whole number from 1 to 40."
  }
}

variable "piece_hours" {
  description = "Hours after which a task that reads a piece is stopped and started again."
  type        = number
  default     = 12
  nullable    = false
}

variable "land_hours" {
  description = "Hours that the task that lands all pieces may take."
  type        = number
  default     = 72
  nullable    = false
}

variable "wait_seconds" {
  description = "How long that task waits for another run to end, before each piece."
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
  description = "Key of the log of executions."
  type        = string
}

variable "log_days" {
  description = "Days for which the log of executions is kept."
  type        = number
}

variable "permissions_boundary_arn" {
  description = "The most that the roles made here may be allowed (ci_identity makes it); null: no boundary."
  type        = string
  default     = null
}
