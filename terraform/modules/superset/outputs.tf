output "address" {
  description = "The balancer's DNS name: point the dashboards' host name at it (CNAME or alias)."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "The balancer's hosted zone, for an alias record."
  value       = aws_lb.this.zone_id
}

output "task_family" {
  description = "Family of the task definition, for `dashboards import` by `aws ecs run-task`."
  value       = aws_ecs_task_definition.this.family
}

output "service_name" {
  description = "The ECS service."
  value       = aws_ecs_service.this.name
}
