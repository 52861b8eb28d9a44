mock_provider "aws" {
  source = "../../testing"
}

variables {
  image_tag         = "0123abc"
  emails            = ["team@example.com"]
  certificate_arn   = "arn:aws:acm:eu-west-1:123456789012:certificate/c"
  allowed_cidrs     = ["203.0.113.0/24"]
  github_repository = "example/millrace"
  state_bucket      = "millrace-state-123456789012"
}

run "the_whole_of_it" {
  command = apply

  assert {
    condition     = output.stack.cluster == "millrace-dev" && output.stack.image_tag == "0123abc"
    error_message = "Its name, and the commit that runs."
  }

  assert {
    condition     = toset(keys(output.stack.schedules)) == toset([for path in fileset("../../../dlt_sources", "*/source.yml") : dirname(path) if try(yamldecode(file("../../../dlt_sources/${path}")).enabled, true)])
    error_message = "A schedule per source that is switched on."
  }

  assert {
    condition     = toset(keys(output.stack.task_families)) == toset(concat(["pipeline", "bootstrap", "superset"], length(output.stack.resident) > 0 ? ["resident"] : []))
    error_message = "The tasks that docs/deploy.md starts; the resident one where a source is due every minute."
  }

  assert {
    condition     = alltrue([for name, value in output.stack.source_environment : startswith(value, "secret:") if endswith(name, "_DB_URL")])
    error_message = "A database's address holds a password: it is a secret."
  }

  assert {
    condition     = output.stack.ci_roles.deploy != null && output.stack.dashboards_address != null
    error_message = "GitHub's roles and the dashboards are made when they are asked for."
  }
}

run "without_dashboards_and_github" {
  command = plan

  variables {
    certificate_arn   = ""
    allowed_cidrs     = []
    github_repository = ""
  }

  assert {
    condition     = !contains(keys(output.stack.task_families), "superset") && output.stack.ci_roles.deploy == null
    error_message = "Neither is made."
  }
}
