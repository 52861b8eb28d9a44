"""A stand-in for Terraform's AWS provider, for tests where the provider's registry cannot be reached.

It speaks the plugin protocol (tfplugin5 over gRPC) and is handed to Terraform by `TF_REATTACH_PROVIDERS`, so `init` needs
no registry and `validate`, `test`, `plan` and `apply` no account. It knows every argument of the resources and data
sources that `terraform/` uses (`schema.json`): names, types, what is required, what is computed, nesting. It does not know
AWS's own rules: allowed values, arguments that exclude each other, quotas.
"""
