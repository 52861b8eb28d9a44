locals {
  region = data.aws_region.this.region
  charts = [
    { title = "Runs and failures", stat = "Sum", metrics = [[local.namespace, "Runs"], [local.namespace, "FailedRuns", { color = "#c8553d" }]] },
    { title = "Rows landed and rejected", stat = "Sum", metrics = [[local.namespace, "LandedRows"], [local.namespace, "RejectedRows", { color = "#c8553d", yAxis = "right" }]] },
    { title = "Hours late, by source", stat = "Maximum", metrics = [for source in keys(var.sources) : [local.namespace, "LateHours", "source", source]] },
    { title = "Seconds of a run", stat = "Maximum", metrics = [[local.namespace, "RunSeconds"]] },
    { title = "Redshift: RPUs in use", stat = "Average", metrics = [["AWS/Redshift-Serverless", "ComputeCapacity", "Workgroup", var.workgroup_name]] },
    { title = "Postgres: storage left, connections", stat = "Average", metrics = [["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", var.db_instance], ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", var.db_instance, { yAxis = "right" }]] },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = concat([
      for index, chart in local.charts : {
        type       = "metric", x = (index % 2) * 12, y = floor(index / 2) * 6, width = 12, height = 6
        properties = { title = chart.title, metrics = chart.metrics, stat = chart.stat, region = local.region, period = 300, view = "timeSeries" }
      }
      ], [{
        type = "log", x = 0, y = 18, width = 24, height = 8
        properties = {
          title  = "The last problems"
          region = local.region
          view   = "table"
          query  = "SOURCE '/${var.name}/pipeline' | fields @timestamp, @message | filter @message like /problem|error:|Traceback/ | sort @timestamp desc | limit 50"
        }
    }])
  })
}
