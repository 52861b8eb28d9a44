variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string
}

variable "sources" {
  description = "The declared sources: decoded source.yml by source name. Each has a database."
  type        = any

  validation {
    condition     = alltrue([for source in keys(var.sources) : can(regex("^[a-z][a-z0-9_]*$", source))])
    error_message = "Glue and Athena know small letters, digits and underscores: rename the source's folder."
  }
}

variable "lake_url" {
  description = "The lake, s3://bucket/prefix, as module lake gives it."
  type        = string

  validation {
    condition     = can(regex("^s3://[^/]+", var.lake_url))
    error_message = "lake_url is s3://bucket/prefix."
  }
}

variable "glue_prefix" {
  description = "Databases are this and the source's name, as ELT_GLUE_PREFIX. Glue's names belong to the whole account and region: two environments in one account need two prefixes."
  type        = string
  default     = "silver_"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*$", var.glue_prefix))
    error_message = "Small letters, digits and underscores, and not empty: policies are limited to databases that begin with it."
  }
}

variable "encrypt_catalog" {
  description = "Encrypt the Glue catalog of the whole account and region with kms_key_arn. Not only this project's: decide it for the account."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "Key for encrypt_catalog."
  type        = string
  default     = null

  validation {
    condition     = !var.encrypt_catalog || var.kms_key_arn != null
    error_message = "encrypt_catalog needs kms_key_arn."
  }
}
