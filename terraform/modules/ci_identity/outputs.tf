output "plan_role_arn" {
  description = "Role of pull requests: reads settings and state."
  value       = aws_iam_role.ci["plan"].arn
}

output "deploy_role_arn" {
  description = "Role of jobs in the GitHub environment: pushes images, applies, starts tasks."
  value       = aws_iam_role.ci["deploy"].arn
}

output "permissions_boundary_arn" {
  description = "Boundary that every role of the environment carries; arn:<partition>:iam::<account>:policy/<name>-boundary."
  value       = aws_iam_policy.boundary.arn
}

output "oidc_provider_arn" {
  description = "GitHub's identity provider in this account."
  value       = local.provider_arn
}
