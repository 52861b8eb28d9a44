# source.yml says it in cron's words, EventBridge has its own: a sixth field for the year, `?` for the day that is not
# asked for, names for the days of the week (its numbers begin at Sunday = 1), steps that begin at a number.
locals {
  aliases = {
    "@hourly"   = "0 * * * *"
    "@daily"    = "0 0 * * *"
    "@midnight" = "0 0 * * *"
    "@weekly"   = "0 0 * * 0"
    "@monthly"  = "0 0 1 * *"
    "@yearly"   = "0 0 1 1 *"
    "@annually" = "0 0 1 1 *"
  }
  days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]

  crons = {
    for name, source in var.sources : name =>
    split(" ", trimspace(replace(lookup(local.aliases, source.schedule, source.schedule), "/\\s+/", " ")))
  }

  # Each list of days of the week day by day, a range as its days: 5-7 is FRI,SAT,SUN.
  weekdays = {
    for name, cron in local.crons : name => join(",", distinct(flatten([
      for part in split(",", upper(try(cron[4], "*"))) : [
        can(regex("^[0-7]-[0-7]$", part)) ?
        [for day in range(split("-", part)[0], split("-", part)[1] + 1) : local.days[day]] :
        [can(regex("^[0-7]$", part)) ? local.days[tonumber(part)] : part]
      ]
    ])))
  }

  expressions = {
    for name, cron in local.crons : name => format("cron(%s %s %s %s %s *)",
      replace(cron[0], "/^\\*\\//", "0/"),
      replace(try(cron[1], ""), "/^\\*\\//", "0/"),
      local.weekdays[name] == "*" ? replace(try(cron[2], ""), "/^\\*\\//", "1/") : "?",
      upper(replace(try(cron[3], ""), "/^\\*\\//", "1/")),
      local.weekdays[name] == "*" ? "?" : local.weekdays[name],
    )
  }

  # What cron can say and EventBridge cannot: a day of the month or a day of the week; steps through the week; seconds.
  unsaid = [
    for name, cron in local.crons : name
    if length(cron) != 5 || (try(cron[2], "*") != "*" && local.weekdays[name] != "*") || strcontains(local.weekdays[name], "/")
  ]

  # Minutes between two runs where the minute field says it: `*` is 1, `*/n` is n.
  pace = {
    for name, cron in local.crons : name =>
    try(cron[1], "") != "*" ? 60 : cron[0] == "*" ? 1 : can(regex("^\\*/[0-9]+$", cron[0])) ? tonumber(split("/", cron[0])[1]) : 60
  }
  resident = sort([for name, minutes in local.pace : name if minutes < var.resident_below_minutes])
}
