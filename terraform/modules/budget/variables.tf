variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string
}

variable "environment" {
  description = "dev or prod: the value of the tag Environment that the budget counts."
  type        = string
}

variable "monthly_usd" {
  description = "Dollars a month that are expected; nothing is stopped when they are spent, people are told."
  type        = number

  validation {
    condition     = var.monthly_usd > 0
    error_message = "monthly_usd is more than 0."
  }
}

variable "tag_key" {
  description = "Cost allocation tag that tells this environment's costs from others. It must be activated in the billing console first."
  type        = string
  default     = "Environment"
}

variable "tag_value" {
  description = "Its value; unset: the environment."
  type        = string
  default     = null
}

variable "emails" {
  description = "Addresses that are told, 10 at most."
  type        = set(string)
  default     = []

  validation {
    condition     = length(var.emails) <= 10 && alltrue([for email in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "Up to 10 mail addresses: AWS Budgets takes no more."
  }
  validation {
    condition     = length(var.emails) > 0 || var.sns_topic_arn != null
    error_message = "A budget that tells nobody is none: give emails or sns_topic_arn."
  }
}

variable "sns_topic_arn" {
  description = "Topic that is told. Its policy and its key must let budgets.amazonaws.com in."
  type        = string
  default     = null
}
