variable "region" {
  description = "AWS region of the state's bucket."
  type        = string
  default     = "eu-west-1"
}
