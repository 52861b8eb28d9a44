"""The command line: quick help, one run at a time, known exit codes, readers that disturb nobody."""

import os
import re
import signal
import subprocess
import sys
import time
import tomllib

import duckdb
import pytest
from filelock import FileLock

import settings as configuration
from foundation.lock import one_at_a_time
from tests import forks
from tests.harness import ROOT, Pipeline


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def test_help_imports_none_of_the_heavy_libraries():
    result = run("-X", "importtime", "runner.py", "--help")
    assert result.returncode == 0 and "backfill" in result.stdout
    for library in ("dlt", "sqlmesh", "soda_core", "duckdb", "pydantic", "pyarrow"):
        assert f"| {library}\n" not in result.stderr.replace(" " * 2, ""), library


@pytest.mark.parametrize("group", [[], ["dashboards"], ["samples"]], ids=lambda words: " ".join(words) or "all")
def test_the_help_of_every_command_is_one_whole_line_at_80_columns(group):
    said = run("runner.py", *group, "--help", COLUMNS="80").stdout
    lines = said.split("Commands:\n")[1].splitlines()
    assert lines and all(re.match(r"  [a-z-]+ +[A-Z].*\.$", line) and len(line) <= 80 for line in lines), said
    assert "..." not in said.split("Commands:\n")[1]


def test_days_are_asked_for_as_they_are_written():
    for command, option in (("backfill", "--since"), ("backfill", "--until"), ("replay", "--since")):
        assert f"{option} YYYY-MM-DD" in run("runner.py", command, "--help").stdout


def test_the_version_is_that_of_the_project_and_of_its_commit():
    said = run("runner.py", "--version").stdout.strip()
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.fullmatch(rf"Millrace {re.escape(number)}( \([0-9a-f]{{7,}}(-dirty)?\))?", said)


def test_the_shell_can_complete_commands():
    script = run("runner.py", "--show-completion", "bash", HOME="/nonexistent").stdout
    assert "complete -o default" in script and "runner.py" in script
    words = {"_RUNNER.PY_COMPLETE": "complete_bash", "COMP_WORDS": "./runner.py ba", "COMP_CWORD": "1"}
    assert run("./runner.py", **words).stdout.split() == ["backfill"]


@pytest.mark.samples
@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (
            ["run", "nosuch"],
            {},
            "no source 'nosuch'; there are: audiophile, deftunes_api, deftunes_db, random_users, sales, taxi",
        ),
        (["run", "deftunes_db"], {"ELT_TARGET": "moon"}, "ELT_TARGET (in the environment): must be 'local' or 'aws'"),
        (["replay", "deftunes_db"], {}, "no landed load fits"),
    ],
)
def test_a_wrong_configuration_is_exit_code_2_and_says_what_to_do(arguments, environment, said, tmp_path):
    result = forks.run(["runner.py", *arguments], ROOT, {"ELT_DATA_DIR": str(tmp_path), **environment})
    assert result.returncode == 2
    assert said in result.stderr and "Traceback" not in result.stderr


TYPOS = {
    "a command": (["statsu"], 2, "No such command 'statsu'. Did you mean 'status'?"),
    "an option": (["run", "--dryrun"], 2, "No such option: --dryrun (Possible options: --dry-run)"),
    "a day": (["backfill", "shop", "--since", "2026-13-01"], 2, "'2026-13-01' is not a day; write it like 2026-01-31"),
    "a table": (["preview", "stg_shop.order"], 2, "there is no table 'stg_shop.order'; "),
    "a run": (["status", "lst"], 2, "no run lst is recorded; `python runner.py status` lists the last ones"),
    "a setting": (["status"], 2, "ELT_NOE (in the environment) is not a setting"),
    "a setting's name": (["new", "nobodys", "--from", "${SHOPP}/a"], 2, "--from names ELT_SHOPP, which is not set"),
    "a folder": (["new", "nobodys", "--from", "/nosuch/a.csv"], 2, "there is no folder /nosuch; correct the path"),
    "a file": (
        ["new", "nobodys", "--from", str(ROOT / "nosuch.csv")],
        2,
        "no file is called nosuch.csv; correct --from",
    ),
    "a scheme": (["new", "nobodys", "--from", "postgres:/me:secret@h/db"], 2, "an address begins with postgres://"),
    "a file of SQLite": (["new", "nobodys", "--from", "sqlite:////nosuch.db"], 2, "/nosuch.db is not a file"),
    "a port": (["new", "nobodys", "--from", "http://127.0.0.1:9/a"], 3, "could not be reached (connection refused)"),
    "a host": (["new", "nobodys", "--from", "http://nosuch.invalid/a"], 3, "(its host name is not known)"),
    "a database's port": (
        ["new", "nobodys", "--from", "postgresql://me:secret@127.0.0.1:9/db", "--table", "t"],
        3,
        "could not be reached: 127.0.0.1:9: Connection refused; check its address, and that it is up; nothing was written",
    ),
}


@pytest.mark.parametrize("kind", TYPOS)
def test_a_typo_is_one_line_that_says_what_to_do(kind, tmp_path):
    arguments, code, said = TYPOS[kind]
    more = {"ELT_NOE": "1"} if kind == "a setting" else {}
    result = forks.run(["runner.py", *arguments], ROOT, {"ELT_DATA_DIR": str(tmp_path), "COLUMNS": "500", **more})
    assert result.returncode == code, result.stderr
    [line] = [line for line in result.stderr.splitlines() if line.lower().startswith("error:")]
    assert said in line and "secret" not in result.stderr and "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 4  # of a wrong word, how it is used comes first


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A data folder in which runs have begun and landed nothing: only the first of them builds the pipeline's own record."""
    return tmp_path_factory.mktemp("begun") / "data"


@pytest.mark.samples
def test_a_missing_connection_is_exit_code_2_and_names_the_variable(begun):
    result = forks.run(["runner.py", "run", "deftunes_db"], ROOT, {"ELT_DATA_DIR": str(begun)})
    assert result.returncode == 2
    assert "ELT_DEFTUNES_DB_URL is not set" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.samples
def test_a_second_run_is_exit_code_5_or_waits(begun):
    environment = {"ELT_DEFTUNES_API_URL": "http://127.0.0.1:9", "ELT_DEFTUNES_DB_URL": "postgresql://127.0.0.1:9/x"}
    pipeline = Pipeline(begun, environment)
    begun.mkdir(exist_ok=True)
    with FileLock(begun / "run.lock"):
        result = pipeline("run", "deftunes_db")
        assert result.code == 5 and "another run holds" in result.err
    assert pipeline("run", "deftunes_db", "--wait", "5").code == 3


def test_a_warehouse_that_somebody_holds_is_exit_code_4(tmp_path):
    pipeline = Pipeline(tmp_path / "data", {"ELT_WAREHOUSE_WAIT": "0.1"})
    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data" / "warehouse.duckdb")):
        result = pipeline("run", "--now")
    assert result.code == 4
    assert f"(PID {os.getpid()};" in result.err and "Traceback" not in result.err


@pytest.mark.samples
def test_doctor_names_what_is_missing(tmp_path):
    (tmp_path / "drop").mkdir()
    address = "postgresql://me:hunter2@127.0.0.1:9/x"
    web = dict.fromkeys(("ELT_DEFTUNES_API_URL", "ELT_AUDIOPHILE_URL", "ELT_RANDOM_USERS_URL"), "http://127.0.0.1:9")
    files = {"ELT_SALES_FILES": str(tmp_path / "drop"), "ELT_TAXI_FILES": str(tmp_path / "none")}
    pipeline = Pipeline(tmp_path / "data", web | files | {"ELT_DEFTUNES_DB_URL": address, "ELT_POSTGRES_URL": address})
    result = pipeline("doctor")
    assert result.code == 3 and "hunter2" not in result.out
    said = {
        name: next(line for line in result.out.splitlines() if name in line)
        for name in ("sales: answers", "taxi: answers")
    }
    assert "ok" in said["sales: answers"] and "missing" in said["taxi: answers"]
    for name in ("deftunes_api: answers", "audiophile: answers", "operational Postgres answers"):
        assert name in result.out
    assert "ELT_SALES_FILES is not set" in Pipeline(tmp_path / "data", web)("doctor").out


@pytest.mark.samples
@pytest.mark.nightly  # warehouse/test_publish.py does it without a run
@pytest.mark.slow
def test_a_reader_of_the_old_version_neither_blocks_a_run_nor_is_disturbed_by_it(world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    world.advance()
    with duckdb.connect(str((pipeline.folder / "serving.duckdb").resolve()), read_only=True) as reader:
        [(before,)] = reader.execute("SELECT count(*) FROM deftunes.fact_order_items").fetchall()
        assert pipeline("run", "deftunes_api", **world.environment).code == 0
        assert reader.execute("SELECT count(*) FROM deftunes.fact_order_items").fetchall() == [(before,)]
    [(after,)] = pipeline.query("SELECT count(*) FROM deftunes.fact_order_items", "serving.duckdb")
    assert after > before


@pytest.mark.samples
@pytest.mark.nightly  # test_schedule.py has what is due, slot by slot
@pytest.mark.slow
def test_what_is_due_runs_once_per_slot(world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    runs = pipeline.query("SELECT count(*) FROM stg_ops.runs")
    same_day = pipeline("run", ELT_NOW="2020-01-31T23:30:59")
    assert same_day.code == 0 and "Nothing is due" in same_day.out
    assert pipeline.query("SELECT count(*) FROM stg_ops.runs") == runs
    next_week = pipeline(ELT_NOW="2020-02-07T07:00:00")  # no command: what is due; a week missed is one run
    assert next_week.code == 0 and "land" in next_week.out, next_week.err
    assert "Nothing is due" in pipeline("run", ELT_NOW="2020-02-07T07:00:59").out
    minute = pipeline(ELT_NOW="2020-02-07T07:01:00")
    assert "random_users" in minute.out and "deftunes" not in minute.out, minute.out


@pytest.mark.slow
def test_status_answers_while_a_run_holds_the_warehouse(first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    settings = configuration.Settings(data_dir=pipeline.folder)
    with duckdb.connect(str(settings.warehouse)):
        result = pipeline("status", "--json")
        assert result.code == 0 and result.json["running"] is False
        assert f"PID {os.getpid()}" in result.json["as_last_published"]
        with one_at_a_time(settings):
            result = pipeline("status", "--json")
    assert result.code == 0 and result.json["running"] is True
    assert result.json["as_last_published"] == "a run is in progress"
    assert result.json["runs"] and result.json["tables"]


@pytest.mark.samples
@pytest.mark.nightly
@pytest.mark.slow
def test_a_backfill_fetches_what_came_too_late_for_the_overlap(world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    assert pipeline("run", "deftunes_api", **world.environment).code == 0
    complete = pipeline.gold()
    forget = "DELETE FROM stg_deftunes_api.session_items WHERE session_start_time < '2020-01-11'"
    with duckdb.connect(str(pipeline.folder / "warehouse.duckdb")) as con:  # as if they had come after the overlap
        con.execute(forget)
        con.execute(forget.replace("session_items", "sessions"))
    assert pipeline("run", "deftunes_api", **world.environment).code == 0
    result = pipeline("backfill", "deftunes_api", "--since", "2020-01-01", "--until", "2020-01-10", **world.environment)
    assert result.code == 0 and "users" not in result.out, result.err
    assert pipeline.gold() == complete
    assert pipeline("backfill", "deftunes_db", "--since", "2020-01-01", **world.environment).code == 3


@pytest.mark.samples
@pytest.mark.slow
def test_a_file_is_handed_over_by_name(first_day, world, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    batch = tmp_path / "sales_late.csv"
    lines = (world.folder / "sales" / "sales_2020-01-31.csv").read_text(encoding="utf-8-sig").splitlines()
    first = lines[1].split(",")
    first[lines[0].split(",").index("ORDERNUMBER")] = "99999"
    batch.write_text("\n".join([lines[0], ",".join(first)]) + "\n")
    before = len(pipeline.gold()["sales.fact_sales"])
    result = pipeline("run", "sales", "--file", str(batch), **world.environment)
    assert result.code == 0 and "order_lines 1" in result.out, result.out + result.err
    assert len(pipeline.gold()["sales.fact_sales"]) == before + 1
    again = pipeline("run", "sales", "--file", str(batch), **world.environment)
    assert again.code == 0 and "landed 0 rows" in again.out  # an event that comes twice
    wrong = pipeline("run", "taxi", "--file", str(batch), **world.environment)
    assert wrong.code == 2 and "belongs to none of its tables" in wrong.err


@pytest.mark.samples
@pytest.mark.slow
def test_a_first_file_without_rows_is_not_a_failure(tmp_path):
    (tmp_path / "drop").mkdir()
    names = "ORDERDATE SHIPDATE ORDERNUMBER ORDERLINENUMBER PRODUCTCODE PRODUCTLINE MSRP CUSTOMERID CUSTOMERNAME CITY COUNTRY"
    more = "TERRITORY CONTACTLASTNAME CONTACTFIRSTNAME QUANTITYORDERED PRICEEACH SALES STATUS"
    (tmp_path / "drop" / "empty.csv").write_text(",".join(f"{names} {more}".split()) + "\n")
    result = Pipeline(tmp_path / "data", {"ELT_SALES_FILES": str(tmp_path / "drop")})("run", "sales")
    assert result.code == 0 and "nothing to publish" in result.out, result.out + result.err


@pytest.mark.slow
def test_one_new_page_of_one_source_builds_only_what_depends_on_it(first_day, world, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    world.control("tick")
    before = pipeline.gold()
    result = pipeline("run", "random_users", "--json", **world.environment)
    assert result.code == 0 and result.json["published"] == ["people"], result.err
    after = pipeline.gold()
    assert {table for table in after if after[table] != before[table]} <= {
        "people.dim_people",
        "people.signups_per_minute",
    }
    assert len(after["people.dim_people"]) > len(before["people.dim_people"])


@pytest.mark.samples
def test_a_resident_process_for_one_source_leaves_the_others_alone(begun):
    """`serve NAME` and a scheduler that starts the others: each source is run by one of them."""
    environment = {"ELT_DEFTUNES_API_URL": "http://127.0.0.1:9", "ELT_RETRY_PACE": "0"}
    running = Pipeline(begun, environment).start("serve", "deftunes_api", "--every", "1")
    while "nothing to publish" not in (running.out.read_text() if running.out.exists() else ""):
        assert running.process.is_alive(), running.end()
        time.sleep(0.05)
    os.kill(running.process.pid, signal.SIGTERM)
    result = running.end()
    said = result.out + result.err
    assert result.code == 143 and "deftunes_api" in said, said
    assert not [name for name in ("audiophile", "random_users", "sales", "taxi") if name in said], said
    assert not (begun / "heartbeat.json").exists()
