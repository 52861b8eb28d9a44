# What the source.yml files say: schedules, tables and where each source is. Read here once, for every module.
locals {
  name = "millrace-${var.environment}"

  sources = {
    for path in fileset("${var.repository}/dlt_sources", "*/source.yml") :
    dirname(path) => yamldecode(file("${var.repository}/dlt_sources/${path}"))
  }

  # What is scheduled, and missed when it does not come: not what `enabled: false` switches off, whose data stays.
  scheduled = { for name, source in local.sources : name => source if try(source.enabled, true) }

  # The name in ${NAME} of a source's address: ELT_<NAME> is its variable.
  variables = {
    for name, source in local.sources : name => try(regex("^\\$\\{(\\w+)\\}", try(source.connection.url, source.connection.base_url))[0], "")
  }

  source_environment = {
    for name, variable in local.variables : "ELT_${variable}" => lookup(var.source_urls, name,
      local.sources[name].connector == "files" ? "s3://${module.lake.drops_bucket}/${name}" : "secret:${local.name}/sources#${lower(variable)}"
    ) if variable != ""
  }
}
