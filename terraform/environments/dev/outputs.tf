output "stack" {
  description = "What docs/deploy.md and the workflows need to know: cluster, tasks, network, repositories, addresses."
  value       = module.stack
}
