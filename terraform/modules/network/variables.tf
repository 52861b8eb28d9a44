variable "name" {
  description = "Prefix of every resource: millrace-<environment>."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC, /16 to /19. Take others where the VPC will be peered with one that has the same."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/1[6-9]$", var.cidr))
    error_message = "cidr is an IPv4 block from /16 to /19: in a smaller one the load balancer's subnets (a 256th each) are too small."
  }
}

variable "availability_zones" {
  description = "Names of three zones. Empty: the region's first three. Redshift Serverless is not in every zone of every region."
  type        = list(string)
  default     = []

  validation {
    condition     = contains([0, 3], length(distinct(var.availability_zones))) && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "Three different zones, or none to take the first three: Redshift Serverless needs three."
  }
}

variable "nat_gateways" {
  description = "1 to 3. With one, the loss of its zone cuts every zone off the sources until it is back; with three each zone has its own."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2, 3], var.nat_gateways)
    error_message = "nat_gateways is 1, 2 or 3."
  }
}

variable "interface_endpoints" {
  description = "AWS services that are reached inside the VPC, by short name: ecr.api, ecr.dkr, logs, secretsmanager, kms, sts, glue."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z0-9.-]+$", service)) && !startswith(service, "com.amazonaws") && service != "s3"])
    error_message = "Short names without com.amazonaws.<region>; S3 has its gateway endpoint already."
  }
}

variable "public_buckets" {
  description = "ARNs of public buckets that a source reads without logging in."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.public_buckets : can(regex("^arn:[a-z-]+:s3:::[a-z0-9.-]+$", arn))])
    error_message = "ARNs of buckets: arn:aws:s3:::name."
  }
}

variable "source_databases" {
  description = "Where databases of sources are: the pipeline may connect there. The default is Postgres anywhere; narrow it when you know."
  type        = set(object({ cidr = string, port = number }))
  default     = [{ cidr = "0.0.0.0/0", port = 5432 }]
  nullable    = false

  validation {
    condition     = alltrue([for database in var.source_databases : can(cidrhost(database.cidr, 0)) && database.port > 0 && database.port < 65536])
    error_message = "Each is an IPv4 block and a port."
  }
}

variable "kms_key_arn" {
  description = "Key of the flow logs."
  type        = string
}

variable "log_retention_days" {
  description = "Days that flow logs are kept; one of the spans that CloudWatch knows."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "permissions_boundary_arn" {
  description = "Boundary of the roles made here; module ci_identity makes one."
  type        = string
  default     = null
}
