output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Its addresses."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Three public subnets, for the load balancer."
  value       = aws_subnet.public[*].id

  depends_on = [aws_route.internet]
}

output "private_subnet_ids" {
  description = "Three private subnets, for all else."
  value       = aws_subnet.private[*].id

  depends_on = [aws_route.nat] # a task that starts before its way out exists fails
}

output "pipeline_security_group_id" {
  description = "Security group of the pipeline's tasks."
  value       = aws_security_group.pipeline.id
}

output "dashboards_security_group_id" {
  description = "Security group of Superset."
  value       = aws_security_group.dashboards.id
}
