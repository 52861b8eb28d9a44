variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "eu-west-1"
}

variable "image_tag" {
  description = "Tag of both images: the commit they were built from."
  type        = string
}

variable "emails" {
  description = "Who hears of alarms and of the bill."
  type        = list(string)
}

variable "source_urls" {
  description = "Addresses of sources by name, such as shop = \"https://api.example.com\"; files that are not here come from the drops bucket, others from the secret `sources`."
  type        = map(string)
  default     = {}
}

variable "certificate_arn" {
  description = "ACM certificate of the dashboards' host name; empty: no Superset."
  type        = string
  default     = ""
}

variable "allowed_cidrs" {
  description = "Networks whose people may reach the dashboards."
  type        = list(string)
  default     = []
}

variable "github_repository" {
  description = "org/repository whose workflows plan and deploy; empty: none."
  type        = string
  default     = ""
}

variable "state_kms_key_arn" {
  description = "Key of that bucket (terraform/state says it)."
  type        = string
  default     = ""
}

variable "state_bucket" {
  description = "Bucket of Terraform's state (terraform/state makes it)."
  type        = string
  default     = ""
}
