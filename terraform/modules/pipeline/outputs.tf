output "cluster_arn" {
  description = "The ECS cluster of every task."
  value       = aws_ecs_cluster.this.arn
}

output "cluster_name" {
  description = "Its name."
  value       = aws_ecs_cluster.this.name
}

output "task_families" {
  description = "Family of each task definition, for `aws ecs run-task`."
  value       = { for name, task in aws_ecs_task_definition.this : name => task.family }
}

output "task_definition_arn" {
  description = "The pipeline's task definition without its revision: who starts it gets the newest."
  value       = aws_ecs_task_definition.this["pipeline"].arn_without_revision
}

output "task_role_arn" {
  description = "The role of the pipeline's code."
  value       = aws_iam_role.task.arn
}

output "task_policy" {
  description = "The policy of that role, as JSON."
  value       = aws_iam_role_policy.task.policy
}

output "bootstrap_policy" {
  description = "The policy of the bootstrap task's role, as JSON."
  value       = aws_iam_role_policy.bootstrap.policy
}

output "task_trust" {
  description = "Who may take a task's role, as JSON: ECS, for tasks of this account."
  value       = local.ecs_tasks
}

output "execution_role_arn" {
  description = "The role by which ECS starts tasks."
  value       = aws_iam_role.execution.arn
}

output "repository_urls" {
  description = "Image repositories by image."
  value       = { for name, repository in aws_ecr_repository.image : name => repository.repository_url }
}

output "secret_arns" {
  description = "The secrets' ARNs by name, as policies say them."
  value       = local.secret_arns
}

output "resident" {
  description = "The sources that the resident task serves."
  value       = var.resident
}
