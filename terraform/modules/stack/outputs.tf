output "image_tag" {
  description = "The commit that runs."
  value       = var.image_tag
}

output "cluster" {
  description = "The ECS cluster, for `aws ecs run-task`."
  value       = module.pipeline.cluster_name
}

output "task_families" {
  description = "Task definitions by use: pipeline, resident, bootstrap, superset."
  value       = merge(module.pipeline.task_families, { for superset in module.superset : "superset" => superset.task_family })
}

output "task_network" {
  description = "Subnets and security groups of one-off tasks, as `aws ecs run-task --network-configuration` takes them."
  value = {
    for use, group in { pipeline = module.network.pipeline_security_group_id, superset = module.network.dashboards_security_group_id } :
    use => "awsvpcConfiguration={subnets=[${join(",", module.network.private_subnet_ids)}],securityGroups=[${group}],assignPublicIp=DISABLED}"
  }
}

output "repositories" {
  description = "Image repositories by image."
  value       = module.pipeline.repository_urls
}

output "drops_bucket" {
  description = "Where files are dropped: s3://<bucket>/<source>/<file>."
  value       = module.lake.drops_bucket
}

output "lake_url" {
  description = "The lake."
  value       = module.lake.lake_url
}

output "dashboards_address" {
  description = "The balancer's DNS name, when Superset is made."
  value       = one(module.superset[*].address)
}

output "schedules" {
  description = "EventBridge's expression of each source's schedule."
  value       = module.schedule.schedules
}

output "backfill" {
  description = "The state machine that reads the pieces of a backfill side by side; null where backfill_tasks is 0."
  value       = one(module.backfill[*].state_machine_arn)
}

output "resident" {
  description = "Sources that the resident task serves instead of a schedule."
  value       = module.schedule.resident
}

output "source_environment" {
  description = "Where the pipeline finds its sources."
  value       = local.source_environment
}

output "task_policy" {
  description = "What the pipeline's code may do, as JSON."
  value       = module.pipeline.task_policy
}

output "ci_roles" {
  description = "Roles of the workflows: plan and deploy."
  value       = { plan = one(module.ci_identity[*].plan_role_arn), deploy = one(module.ci_identity[*].deploy_role_arn) }
}
