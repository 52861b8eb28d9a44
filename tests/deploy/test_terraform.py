"""Terraform: every folder is valid and keeps its promises; schedules are those of the sources; mistakes do not pass."""

import calendar
import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import yaml
from croniter import croniter

from runtime.schedule import of_schedule
from tests.deploy.terraform import Checkout
from tests.harness import ROOT

pytestmark = pytest.mark.slow
TESTED = sorted(path.parent.parent.relative_to(ROOT / "terraform") for path in ROOT.glob("terraform/**/*.tftest.hcl"))
ANSWERS = {
    "image_tag": "0123abc",
    "emails": '["team@example.com"]',
    "certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/c",
    "allowed_cidrs": '["203.0.113.0/24"]',
    "github_repository": "example/millrace",
    "state_bucket": "millrace-state-123456789012",
}


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.fixture
def offline(tmp_path):
    """A copy to apply: with the stand-in also where the registry can be reached, or this would ask a real account."""
    return Checkout(tmp_path, offline=True)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A copy that the tests of this file only look at."""
    return Checkout(tmp_path_factory.mktemp("terraform"))


def declared():
    return {path.parent.name: yaml.safe_load(path.read_text()) for path in (ROOT / "dlt_sources").glob("*/source.yml")}


def test_everything_is_formatted_and_a_crooked_line_is_seen(checkout):
    assert checkout(checkout.terraform, "fmt", "-check", "-recursive").returncode == 0
    with (checkout.terraform / "modules" / "lake" / "main.tf").open("a") as file:
        file.write('locals {\n    crooked="yes"\n}\n')
    assert checkout(checkout.terraform, "fmt", "-check", "-recursive").stdout.split() == ["modules/lake/main.tf"]


LEFT = {
    "availability_zones",
    "silver_noncurrent_days",
    "silver_tiering_days",
    "publishers",
    "key_deletion_days",
    "encrypt_catalog",
    "kms_key_arn",
    "database",
    "log_exports",
    "slow_statement_ms",
    "monitoring_seconds",
    "stop_seconds",
    "cpu",
    "memory",
    "tag_key",
    "tag_value",
    "state_prefix",
    "project",
    "ecr_repositories",
    "require_permissions_boundary",
    "unscheduled",
}
"""What the stack decides for everybody. Whatever else a module can be told, the stack can be told."""


def test_the_stack_hands_on_what_its_modules_can_be_told():
    stack, missing = (ROOT / "terraform/modules/stack/main.tf").read_text(), set()
    for module, block in re.findall(r'^module "(\w+)" \{\n(.*?)^\}', stack, re.S | re.M):
        given = set(re.findall(r"^  (\w+)\s*=", block, re.M))
        known = re.findall(r'^variable "(\w+)"', (ROOT / f"terraform/modules/{module}/variables.tf").read_text(), re.M)
        missing |= {f"{module}.{name}" for name in known if name not in given | LEFT}
    assert not missing


def test_every_module_and_environment_is_valid(ready):
    folders = ready.folders()
    assert {"dev", "prod", "state", "stack"} <= {folder.name for folder in folders}
    wrong = {}
    for folder in folders:
        done = ready(ready.initialised(folder), "validate")
        if done.returncode:
            wrong[folder.name] = done.stdout + done.stderr
    assert wrong == {}


def test_a_word_that_the_provider_does_not_know_is_refused(checkout):
    folder = checkout.terraform / "modules" / "schedule"
    path = folder / "schedules.tf"
    path.write_text(path.read_text().replace("flexible_time_window {", "flexible_window {"))
    done = checkout(checkout.initialised(folder), "validate")
    assert done.returncode == 1 and "Unsupported block type" in done.stdout + done.stderr


@pytest.mark.parametrize("folder", TESTED, ids=str)
def test_promises_of(folder, ready):
    done = ready(ready.initialised(ready.terraform / folder), "test")
    assert done.returncode == 0 and " 0 failed" in done.stdout, done.stdout + done.stderr


def test_every_module_has_promises_a_page_and_described_variables():
    for module in (ROOT / "terraform" / "modules").iterdir():
        assert (module / "README.md").exists(), f"{module.name} has no README.md"
        assert module.name == "stack" or list(module.glob("tests/*.tftest.hcl")), f"{module.name} has no tests"
        if module.name not in ("catalog", "stack", "ci_identity"):
            assert "ost" in (module / "README.md").read_text(), f"{module.name} does not say what it costs"
    for path in ROOT.glob("terraform/**/*.tf"):
        for kind, name, body in re.findall(r'^(variable|output) "(\w+)" {\n(.*?)^}', path.read_text(), re.M | re.S):
            assert re.search(r'^  description = ".{5,}"', body, re.M), f"{path}: {kind} {name} is not described"


MISTAKES = [  # module, what stands there, the mistake
    ("lake", 'sse_algorithm     = "aws:kms"', 'sse_algorithm     = "AES256"'),
    ("operational_db", "storage_encrypted", "# storage_encrypted"),
    ("pipeline", '"aws:SourceAccount" = local.account', '"aws:SourceAccount" = "*"'),
    ("schedule", "dead_letter_config {\n      arn", "retry_policy {\n      #"),
    ("observability", 'missing = "breaching"', 'missing = "notBreaching"'),
    ("ci_identity", "environment:${var.environment}", "*"),
]


@pytest.mark.few(3)
@pytest.mark.parametrize(("module", "right", "wrong"), MISTAKES, ids=[f"{m}: {r[:24]}" for m, r, _ in MISTAKES])
def test_a_mistake_in_what_matters_fails_the_module_s_test(checkout, module, right, wrong):
    folder = checkout.terraform / "modules" / module
    paths = [path for path in folder.glob("*.tf*") if right in path.read_text()]
    assert paths, f"{module} has no {right!r} any more"
    for path in paths:
        path.write_text(path.read_text().replace(right, wrong))
    done = checkout(checkout.initialised(folder), "test")
    assert done.returncode == 1 and re.search(r"[1-9]\d* failed", done.stdout), done.stdout + done.stderr


@pytest.mark.parametrize("environment", [pytest.param("dev", marks=pytest.mark.nightly), "prod"])
def test_an_environment_is_planned_applied_and_scheduled_as_its_sources_say(offline, environment):
    """By day prod: dev is applied by the next one."""
    folder = offline.initialised(offline.terraform / "environments" / environment)
    planned = offline(folder, "plan", "-out=plan", "-input=false", **ANSWERS)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    applied = offline(folder, "apply", "-input=false", "plan")
    assert applied.returncode == 0 and " 0 destroyed" in applied.stdout, applied.stdout + applied.stderr
    stack = json.loads(offline(folder, "output", "-json").stdout)["stack"]["value"]
    assert stack["schedules"].keys() == declared().keys()
    for name, source in declared().items():
        assert_same_times(source["schedule"], stack["schedules"][name])
    assert stack["resident"] == [name for name, source in declared().items() if source["schedule"] == "* * * * *"]


def test_a_new_source_has_its_schedule_with_no_other_edit(offline):
    folder = offline.root / "dlt_sources" / "shop"
    folder.mkdir(parents=True)
    (folder / "source.yml").write_text(
        'description: A shop\nowner: me\nschedule: "20 3 * * 1-5"\nconnector: files\nconnection: {url: "${SHOP_FILES}"}\n'
        "tables:\n  orders: {files: orders_*.csv, contract: Order, key: [id]}\n"
    )
    folder = offline.initialised(offline.terraform / "environments" / "dev")
    applied = offline(folder, "apply", "-auto-approve", "-input=false", **ANSWERS)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    stack = json.loads(offline(folder, "output", "-json").stdout)["stack"]["value"]
    assert stack["schedules"]["shop"] == "cron(20 3 ? * MON,TUE,WED,THU,FRI *)"
    assert stack["source_environment"]["ELT_SHOP_FILES"] == f"s3://{stack['drops_bucket']}/shop"
    assert 'module.stack.module.observability.aws_cloudwatch_metric_alarm.this["late-shop"]' in applied.stdout


CRONS = [
    "0 6 * * *",
    "* * * * *",
    "*/15 * * * *",
    "5,35 */3 * * *",
    "0 9 1 * *",
    "0 0 */10 * *",
    "30 7 * * 1-5",
    "0 8 * * 0",
    "0 8 * * 7",
    "0 8 * * 5-7",
    "15 22 * 1,7 *",
    "0 12 * feb sun",
    "0 0 29 2 *",
    "10-20/5 4 * * *",
    "@weekly",
    "@hourly",
]


def test_whatever_cron_says_eventbridge_says_the_same(offline):
    folder = offline.initialised(offline.terraform / "modules" / "schedule")
    sources = {
        f"s{n}": {"description": "", "schedule": c, "connector": "rest_api", "tables": {}} for n, c in enumerate(CRONS)
    }
    names = ("name", "cluster_arn", "task_definition_arn", "task_role_arn", "execution_role_arn", "security_group_id")
    answers = dict.fromkeys((*names, "kms_key_arn", "drops_bucket"), "x") | {"subnet_ids": '["s"]'}
    applied = offline(folder, "apply", "-auto-approve", sources=json.dumps(sources), **answers)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    said = json.loads(offline(folder, "output", "-json", "schedules").stdout)
    declared = {
        name: SimpleNamespace(declared=SimpleNamespace(schedule=s["schedule"], enabled=True))
        for name, s in sources.items()
    }
    for n, cron in enumerate(CRONS):
        assert_same_times(cron, said[f"s{n}"])
        assert set(of_schedule(declared, cron)) == {name for name in said if said[name] == said[f"s{n}"]}


def assert_same_times(cron, expression):
    """Both fire at the same minutes of the year from a leap day's eve on."""
    start = datetime(2028, 2, 28, tzinfo=UTC)
    times, wanted = croniter(cron, start), []
    while len(wanted) < 100 and (not wanted or wanted[-1] < start + timedelta(days=300)):
        wanted.append(times.get_next(datetime))
    assert wanted == eventbridge(expression, start, len(wanted)), f"{cron} is not {expression}"


def eventbridge(expression, start, count):
    """The first minutes after `start` at which EventBridge fires, by its documentation."""
    minute, hour, day, month, weekday, _ = re.fullmatch(r"cron\((.*)\)", expression)[1].split()
    assert (day == "?") != (weekday == "?"), f"{expression}: one of the two days is ?"
    minutes, hours, months = field(minute, 0, 59), field(hour, 0, 23), field(month, 1, 12, list(calendar.month_abbr))
    days = field(day.replace("?", "*"), 1, 31)
    weekdays = field(weekday.replace("?", "*"), 1, 7, ["", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"])
    found, date = [], start.replace(hour=0, minute=0)
    while len(found) < count:
        if date.month in months and date.day in days and date.isoweekday() % 7 + 1 in weekdays:
            moments = [date.replace(hour=h, minute=m) for h in sorted(hours) for m in sorted(minutes)]
            found += [moment for moment in moments if moment > start]
        date += timedelta(days=1)
    return found[:count]


def field(text, first, last, names=()):
    """The numbers that a field of EventBridge's cron stands for; a step begins at a number, never at ``*``."""
    numbers = {name.upper(): n for n, name in enumerate(names) if name}
    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        assert not (step and span == "*"), text
        if span == "*":
            begin, end = first, last
        else:
            begin = numbers.get(low) or int(low)
            end = (numbers.get(high) or int(high)) if high else last if step else begin
        found |= set(range(begin, end + 1, int(step or 1)))
    assert found <= set(range(first, last + 1)), text
    return found
