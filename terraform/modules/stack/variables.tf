variable "environment" {
  description = "dev, prod or another short name; every resource is called millrace-<environment>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,7}$", var.environment))
    error_message = "Two to eight lower-case letters and digits: names of buckets and balancers have limits."
  }
}

variable "repository" {
  description = "Path of the checkout that holds dlt_sources/."
  type        = string
}

variable "image_tag" {
  description = "Tag of both images: the commit they were built from."
  type        = string
}

variable "source_urls" {
  description = "Addresses of sources by source name. One that is not here: files are read from the drops bucket, others from the secret millrace-<environment>/sources under the lower-case name of their variable."
  type        = map(string)
  default     = {}
}

variable "emails" {
  description = "Who hears of alarms and of the bill."
  type        = list(string)
}

variable "monthly_usd" {
  description = "Monthly budget in US dollars; the team hears at 50, 80 and 100 percent."
  type        = number
}

variable "certificate_arn" {
  description = "ACM certificate of the dashboards' host name; empty: no Superset is made."
  type        = string
  default     = ""
}

variable "allowed_cidrs" {
  description = "Networks whose people may reach the dashboards."
  type        = list(string)
  default     = []
}

variable "internal" {
  description = "Whether the dashboards' balancer has private addresses only."
  type        = bool
  default     = false
}

variable "cidr" {
  description = "Addresses of the VPC."
  type        = string
  default     = "10.20.0.0/16"
}

variable "nat_gateways" {
  description = "1: one for all zones, cheaper; 3: a zone's failure takes no other's way out."
  type        = number
  default     = 1
}

variable "interface_endpoints" {
  description = "AWS services that are reached inside the VPC rather than through the NAT."
  type        = set(string)
  default     = []
}

variable "landing_days" {
  description = "Days that raw rows are kept. They hold personal data; what can be rebuilt from landing reaches back as far."
  type        = number
}

variable "base_rpu" {
  description = "Redshift's size in RPUs when it works: 4 is the smallest."
  type        = number
}

variable "max_rpu" {
  description = "The most RPUs it may grow to."
  type        = number
}

variable "daily_rpu_hours" {
  description = "RPU-hours a day from which Redshift stops (or tells, by breach_action)."
  type        = number
}

variable "breach_action" {
  description = "What happens at daily_rpu_hours: deactivate, emit-metric or log."
  type        = string
}

variable "db_instance_class" {
  description = "RDS instance class."
  type        = string
  default     = "db.t4g.micro"
}

variable "backup_days" {
  description = "Days of RDS backups."
  type        = number
}

variable "multi_az" {
  description = "Whether RDS has a standby in another zone."
  type        = bool
}

variable "protected" {
  description = "Whether destroying takes two steps: deletion protection on, final snapshots, buckets and images must be emptied first."
  type        = bool
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "superset_count" {
  description = "Superset tasks that run."
  type        = number
  default     = 1
}

variable "task" {
  description = "Size of the pipeline's tasks: CPU units, MiB of memory, GiB of scratch disk."
  type = object({
    cpu    = number
    memory = number
    disk   = number
  })
  default = { cpu = 1024, memory = 4096, disk = 30 }
}

variable "late_hours" {
  description = "Hours that a source may be late before somebody is told."
  type        = number
  default     = 6
}

variable "resident_below_minutes" {
  description = "Sources that come more often than this are served by one resident task."
  type        = number
  default     = 5
}

variable "serve_resident" {
  description = "Whether the resident task runs. Every minute of it keeps Redshift awake, and that costs: see the README."
  type        = bool
}

variable "github_repository" {
  description = "org/repository whose workflows may plan and deploy; empty: no identity for CI is made."
  type        = string
  default     = ""
}

variable "create_oidc_provider" {
  description = "Whether GitHub's OIDC provider is made here: there is one per account."
  type        = bool
  default     = true
}

variable "state_bucket_arn" {
  description = "Bucket of Terraform's state, for CI's identity."
  type        = string
  default     = ""
}

variable "state_kms_key_arn" {
  description = "Key of that bucket."
  type        = string
  default     = null
}

# What a module decides unless somebody says otherwise. Null: as the module says.

variable "public_buckets" {
  description = "ARNs of public buckets that a source reads without logging in."
  type        = set(string)
  default     = null
}

variable "source_databases" {
  description = "Where databases of sources are: the pipeline may connect there. The default is Postgres anywhere; narrow it when you know."
  type        = set(object({ cidr = string, port = number }))
  default     = null
}

variable "drops_days" {
  description = "Days that dropped files are kept after they came."
  type        = number
  default     = null
}

variable "drops_writers" {
  description = "ARNs of roles and users, of other accounts too, that may drop files. They may write, not read and not list."
  type        = set(string)
  default     = null
}

variable "max_query_seconds" {
  description = "Seconds after which a query is ended: a guard against a join that never ends."
  type        = number
  default     = null
}

variable "spectrum" {
  description = "Let Redshift read silver in the lake: for tables of `staging: external`, and for people. Billed per byte read."
  type        = bool
  default     = null
}

variable "transformer_principals" {
  description = "ARNs of roles and users that may work as the database role transformer. None: the role is not made."
  type        = set(string)
  default     = null
}

variable "bi_principals" {
  description = "ARNs of roles and users that may work as the database role bi. None: the role is not made."
  type        = set(string)
  default     = null
}

variable "db_storage" {
  description = "Disk of RDS in GiB; gp3 begins at 20."
  type        = number
  default     = null
}

variable "db_max_storage" {
  description = "GiB up to which that disk grows by itself."
  type        = number
  default     = null
}

variable "backfill_tasks" {
  description = "How many tasks read the pieces of a backfill side by side, 40 at most; 0: there is no state machine for it."
  type        = number
  default     = 4
}

variable "backfill_piece_hours" {
  description = "Hours after which a task that reads a piece of a backfill is stopped and started again."
  type        = number
  default     = null
}

variable "backfill_land_hours" {
  description = "Hours that the task may take that lands the pieces of a backfill."
  type        = number
  default     = null
}

variable "wait_seconds" {
  description = "How long a task waits for another run to end before it gives up (exit code 5)."
  type        = number
  default     = null
}

variable "rejected_rows" {
  description = "Rejected rows in a day from which somebody is told. A source's own limit (max_rejected) fails its run besides."
  type        = number
  default     = null
}

variable "hosted_zone_arns" {
  description = "Route 53 zones in which Terraform keeps the dashboards' name and its certificate's proof."
  type        = set(string)
  default     = null
}

variable "extra_deploy_statements" {
  description = "More statements for the deploy role, for what a team adds to the stack. Statement Never still wins."
  type        = any
  default     = null
}
