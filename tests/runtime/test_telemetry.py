"""What watches the pipeline on AWS reads its lines: the fields that the metric filters name are the ones it writes."""

import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace

from runtime.telemetry import report
from tests.harness import ROOT
from warehouse.ops import Progress, Run

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SOURCES = {
    name: SimpleNamespace(declared=SimpleNamespace(schedule="0 6 * * *", enabled=True)) for name in ("sales", "taxi")
}


def lines(capsys, progress):
    run = Run("run", ["sales"], "aws", landed=7, rejected=2, exit_code=1, problems=["check failed: \x1b[2J\n{}"])
    report(run, 1.25, SOURCES, progress, NOW)
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_each_metric_filter_finds_its_fields(capsys):
    said = lines(capsys, {"sales": Progress(datetime(2026, 3, 2, 6, 1, tzinfo=UTC)), "taxi": Progress()})
    filters = (ROOT / "terraform" / "modules" / "observability" / "logs.tf").read_text()
    wanted = {}
    for pattern, value, more in re.findall(r'pattern = "(.*?)", value = "(.*?)", dimensions = (.*?) }\n', filters):
        [event] = re.findall(r'event = \\"(\w+)\\"', pattern)
        wanted.setdefault(event, set()).update(re.findall(r"\$\.(\w+)", f"{pattern} {value} {more}"))
    assert wanted["run"] == {"event", "exit_code", "landed", "rejected", "seconds"}
    assert wanted["source"] == {"event", "late_hours", "source"}
    for line in said:
        assert wanted[line["event"]] <= line.keys()


def test_a_line_is_one_event_and_tells_how_late_a_source_is(capsys):
    run, sales, taxi = lines(capsys, {"sales": Progress(datetime(2026, 3, 2, 6, 1, tzinfo=UTC)), "taxi": Progress()})
    assert (run["landed"], run["rejected"], run["exit_code"], run["seconds"]) == (7, 2, 1, 1.2)
    assert (sales["late_hours"], taxi["late_hours"]) == (0, 3.5)


def test_without_a_warehouse_the_run_is_told_all_the_same(capsys):
    assert [line["event"] for line in lines(capsys, None)] == ["run"]
