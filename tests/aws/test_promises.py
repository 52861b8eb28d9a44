"""The promises on target aws: real clients over real connections, against stand-ins; gold beside the laptop's."""

import json
import os
import re
import subprocess
from pathlib import Path

import psycopg2
import pytest
from redshift_stand_in.client import Client

import settings
import superset.door as superset
from dlt_sources._steps.stores import commit
from dlt_sources._steps.stores.lake import storage
from superset.scripts import files
from tests import needs
from tests.aws import statements
from tests.aws.cloud import TESTER
from tests.aws.estate import BUCKET, DROPS, PREFIX, AwsPipeline, alike, differences
from tests.aws.policy import KEY, Policy
from tests.patches import STAGED

pytestmark = pytest.mark.slow


def equal(on_aws, on_laptop):
    return list(differences(alike(on_laptop.gold()), alike(on_aws.gold())))


def operational(url):
    with psycopg2.connect(url) as con, con.cursor() as cursor:
        cursor.execute("SELECT * FROM random_users.users ORDER BY person_id")
        names = [column[0] for column in cursor.description]
        return [{n: v for n, v in zip(names, row, strict=True) if not n.startswith("_dlt")} for row in cursor]


def test_gold_on_redshift_equals_gold_on_the_laptop(on_aws, on_laptop):
    gold = on_aws.gold()
    assert {name.split(".")[0] for name in gold} == {"audiophile", "deftunes", "people", "sales", "taxi"}
    assert all(gold.values()) and equal(on_aws, on_laptop) == []


def test_what_the_pipeline_says_of_itself_is_the_same(on_aws, on_laptop):
    for query in (
        "SELECT source, table_name, landed, accepted, rejected FROM ops.loads WHERE landed > 0",
        "SELECT source, table_name, field, rule, message, raw FROM ops.rejected_rows",
        "SELECT layer, scope, dataset, column_name, check_name, severity, outcome FROM ops.check_results",
    ):
        here, there = alike({"": on_laptop.query(query)}), alike({"": on_aws.query(query)})
        assert there[""] and list(differences(here, there)) == []
    status = on_aws("status", "--json").json
    assert status["runs"][0]["status"] == "ok" and status["pending_models"] == [] and not status["running"]
    assert {row["table"] for row in status["tables"]} >= {"sessions", "order_lines", "yellow_trips"}
    assert on_aws("rejected", "--json").json["reasons"] == on_laptop("rejected", "--json").json["reasons"]


def test_silver_in_glue_holds_what_was_accepted(on_aws, estate, monkeypatch):
    from pyiceberg.catalog.glue import GlueCatalog

    for name, value in estate.cloud.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", TESTER)  # the pipeline's role may not list what is not its own
    catalog = GlueCatalog("silver", **{"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO"})
    accepted = dict(on_aws.query("SELECT source || '.' || table_name, sum(accepted) FROM ops.loads GROUP BY 1"))
    found = {
        f"{database.removeprefix('silver_')}.{table}": catalog.load_table((database, table)).scan().to_arrow().num_rows
        for (database,) in catalog.list_namespaces()
        for _, table in catalog.list_tables(database)
    }
    assert found == {name: int(rows) for name, rows in accepted.items() if name in found} and len(found) >= len(STAGED)


def test_every_object_is_written_encrypted_and_no_run_lists_the_bucket(on_aws, estate):
    s3 = [request for request in estate.cloud.requests if request.service == "s3"]
    writes = [r for r in s3 if (r.method == "PUT" and "partNumber" not in r.query) or "uploads" in r.query]
    theirs = [
        r for r in writes if "/" in r.path and "/_unload/" not in r.path
    ]  # those are Redshift's, which encrypts by itself
    assert theirs and all(r.headers.get("x-amz-server-side-encryption") == "aws:kms" for r in theirs)
    assert all(r.headers["x-amz-server-side-encryption-aws-kms-key-id"] == KEY for r in theirs)
    estate.cloud.forget()
    assert on_aws("run", "--now").code == 0
    lists = [r.query for r in estate.cloud.requests if r.service == "s3" and "list-type" in r.query]
    assert lists and all(query.get("prefix", "").count("/") >= 2 for query in lists)
    logs = [query for query in lists if "/_dlt_loads/" in query["prefix"]]
    fresh = [
        query["prefix"] for query in logs if not query.get("start-after")
    ]  # of a source with one load: all there is
    assert logs and all(len(estate.objects(prefix.removeprefix("elt/"))) <= 2 for prefix in fresh), fresh


def test_every_statement_is_one_that_was_reviewed(on_aws):
    """The first run's, with what changes from run to run left out. MILLRACE_REVIEW=1 writes them again, to be looked at."""
    for client, said in statements.by_client(on_aws.said_first).items():
        path = statements.FOLDER / f"{client}.sql"
        if os.environ.get("MILLRACE_REVIEW"):
            path.write_text(said)
        assert said == path.read_text(), (
            f"{path} differs from what was sent; look at it: MILLRACE_REVIEW=1 pytest {__file__}"
        )


def test_published_tables_are_distributed_and_sorted_as_their_models_declare(on_aws, estate):
    declared = {}
    for path in Path("sqlmesh_project/models").glob("*/*.sql"):
        text = path.read_text()
        if found := re.search(r"physical_properties \(([^)]*)\)", text):
            words = dict(re.findall(r"(\w+) = '(\w+)'", found[1]))
            style = f"KEY({words['distkey']})" if "distkey" in words else words["diststyle"]
            name = re.search(r"^  name (\w+\.\w+),", text, re.M)[1]
            declared[name] = (style, words.get("sortkey", "AUTO(SORTKEY)"))
    assert len(declared) > 15
    query = 'SELECT schema, "table", diststyle, sortkey1 FROM svv_table_info'
    found = {f"{schema}.{table}": (style, key) for schema, table, style, key in estate.redshift.query(query, "serving")}
    assert {name: found.get(name) for name in declared} == declared


def test_superset_finds_every_column_and_metric_on_redshift_as_on_the_laptop(on_aws, on_laptop, estate, monkeypatch):
    """By Superset's own SQLAlchemy and Redshift dialect, as the user of reader.sql, over the settings of target aws."""
    for name, value in (
        on_aws.environment | {"ELT_DASHBOARDS_USER": "dashboards", "ELT_DASHBOARDS_PASSWORD": "r"}
    ).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SSL_CERT_FILE", "")
    uri = superset.database_uri(settings.load())
    grants = (superset.FOLDER / "reader.sql").read_text().split("*/")[-1]
    given = grants.format(
        reader="dashboards", writer="millrace", role=on_aws.environment["ELT_REDSHIFT_ROLE"], password="r"
    )
    by_hand = [line for line in given.splitlines() if "ASSUMEROLE" not in line]
    estate.redshift.query("\n".join(by_hand), "serving")
    admin = Client(estate.redshift)
    for line in (line for line in given.splitlines() if "ASSUMEROLE" in line):
        admin(line)
    estate.redshift.users["dashboards"] = "r"
    needs.superset()
    documents = files.read(superset.FOLDER / "assets")
    datasets = {f"{d['schema']}.{d['table_name']}": d for n, d in documents.items() if n.startswith("datasets/")}
    metrics = {name: select((m["expression"] for m in d.get("metrics", ())), name) for name, d in datasets.items()}
    columns = {
        name: select((c.get("expression") or f'"{c["column_name"]}"' for c in d["columns"]), name)
        for name, d in datasets.items()
    }
    queries = {n: q for n, q in metrics.items() if q} | {f"columns of {n}": f"{q} LIMIT 1" for n, q in columns.items()}
    done = in_superset(uri, queries)
    assert done.returncode == 0, done.stderr
    impostor = in_superset(uri.replace("@localhost", "@127.1"), {})  # the same server, by a name its certificate lacks
    assert impostor.returncode == 1 and "certificate verify failed" in impostor.stderr, impostor.stderr
    there = json.loads(done.stdout)
    compared = [name for name, query in metrics.items() if query and not name.startswith("ops.")]
    assert len(compared) > 10
    for name in compared:
        here = on_laptop.query(metrics[name], "serving.duckdb")[0]
        assert [number(value) for value in there[name]] == [number(value) for value in here], name


def in_superset(uri, queries):
    """Queries by Superset's own Python."""
    return subprocess.run(
        [superset.FOLDER / ".venv" / "bin" / "python", "-W", "ignore", Path(__file__).with_name("in_superset.py")],
        input=json.dumps({"uri": uri, "queries": queries}),
        capture_output=True,
        text=True,
        check=False,
    )


def select(expressions, table):
    """Expressions as one query; none for none."""
    listed = ", ".join(f"{expression} AS c{n}" for n, expression in enumerate(expressions))
    return f"SELECT {listed} FROM {table}" if listed else ""


def number(value):
    """A metric's answer: drivers hand over decimals, floats or text."""
    try:
        return None if value is None else float(f"{float(value):.9g}")
    except (ValueError, TypeError):
        return str(value)


def test_run_twice_is_run_once(on_aws, estate):
    staged, gold, landed, sunk = (
        on_aws.staged(),
        on_aws.gold(),
        on_aws.landed(),
        operational(on_aws.environment["ELT_POSTGRES_URL"]),
    )
    said = len(estate.redshift.statements)
    assert on_aws("run", "--now").code == 0
    assert (alike(on_aws.staged()), alike(on_aws.gold())) == (alike(staged), alike(gold))
    assert on_aws.landed() == landed and operational(on_aws.environment["ELT_POSTGRES_URL"]) == sunk != []
    new = [statement.sql.lstrip() for statement in estate.redshift.statements[said:]]
    moved = [sql for sql in new if sql.startswith(("COPY", "UNLOAD", "INSERT", "DELETE", "TRUNCATE", "CREATE TABLE"))]
    assert [sql for sql in moved if "_dlt_" not in sql and "stg_ops" not in sql] == []


def test_a_run_elsewhere_waits_or_leaves_and_so_does_one_beside_it(on_aws, estate, world, tmp_path):
    """Two machines: two data folders, one warehouse."""
    other = AwsPipeline(tmp_path / "other" / "data", estate, world.environment)
    other.folder.parent.mkdir()
    estate.redshift.fault("FROM stg_ops.progress", "hang")
    first = on_aws.start("run", "--now")
    try:
        assert estate.redshift.waiting.wait(60)
        second = other("run", "--now")
        assert second.code == 5 and "another run holds" in second.err
    finally:
        first.kill()
        first.end()
    assert other("run", "--now").code == 0  # the lock went with its holder, and the other machine knows what has landed
    assert json.loads(other("status", "--json").out)["runs"][0]["status"] == "ok"


@pytest.mark.nightly
def test_a_failed_check_leaves_what_is_published(on_aws, estate, world, on_laptop):
    published = alike(on_aws.gold())
    world.advance()
    failed = on_aws("run", "sales", "--now", patch="tests.patches:fail_staging:sales", **world.environment)
    assert failed.code == 1 and "planted" in failed.out + failed.err
    assert alike(on_aws.gold()) == published
    gold = on_aws(
        "run", "deftunes_db", "deftunes_api", "--now", patch="tests.patches:fail_a_gold_check", **world.environment
    )
    assert gold.code == 1 and "planted" in gold.out + gold.err
    assert alike(on_aws.gold("deftunes")) == {n: rows for n, rows in published.items() if n.startswith("deftunes.")}
    assert on_laptop("run", "--now", **world.environment | estate.of_a_laptop).code == 0
    assert on_aws("run", "--now", patch="tests.patches:compare_every_table", **world.environment).code == 0
    assert equal(on_aws, on_laptop) == []


@pytest.mark.nightly
def test_whatever_strikes_the_day_ends_as_on_the_laptop(on_aws, estate, world, on_laptop):
    """One day's run, stopped again and again, each time by something else; the last one goes through."""
    world.advance()
    assert on_laptop("run", "--now", **world.environment | estate.of_a_laptop).code == 0
    cloud, redshift = estate.cloud, estate.redshift

    def struck(code, *words):
        result = on_aws("run", "--now", **world.environment)
        assert result.code == code and all(word in result.out + result.err for word in words), result.out + result.err
        assert "Traceback" not in result.err

    def killed(pattern):
        redshift.fault(pattern, "hang")
        running = on_aws.start("run", "--now", **world.environment)
        assert redshift.waiting.wait(120), "the statement was never sent"
        running.kill()
        assert running.end().code == -9

    cloud.fault(r"s3 PUT .*landing/deftunes_api/sessions", "expired", times=-1)
    struck(4, "credentials have expired")
    cloud.calm()
    cloud.fault(r"glue POST UpdateTable", "denied", times=-1)
    struck(4, "AWS refused it", "UpdateTable")
    cloud.calm()
    killed(r"COPY .*_came_")
    killed(r'INSERT INTO "stg_deftunes_api"."sessions"')  # the other sources went on without it
    redshift.fault(r"(INSERT|MERGE) INTO .*sqlmesh__deftunes", "restart")
    struck(1, "model failed: deftunes.")
    redshift.fault(r'INSERT INTO "deftunes"', "cut")
    struck(4)
    cloud.fault(r"s3 (PUT|GET)", "slow_down", times=4, after=10)
    struck(0)
    assert equal(on_aws, on_laptop) == []


@pytest.mark.nightly
def test_replayed_into_a_new_warehouse(on_aws, estate, on_laptop, world):
    landed = on_aws.landed()
    for database in ("warehouse", "serving"):
        for schema in [
            s
            for (s,) in estate.redshift.query(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|rs|information|public)'", database
            )
        ]:
            estate.redshift.query(f'DROP SCHEMA "{schema}" CASCADE', database)
    with psycopg2.connect(world.postgres.dsn.removesuffix("postgres") + "sqlmesh") as con, con.cursor() as cursor:
        cursor.execute("DROP SCHEMA sqlmesh_state CASCADE")
    result = on_aws("run", "--now", **world.environment)  # what staging does not know is refined again
    assert result.code == 0, result.out + result.err
    assert on_aws.landed() == landed and equal(on_aws, on_laptop) == []
    replayed = on_aws("replay", "sales", **world.environment)
    assert replayed.code == 0 and "accepted" in replayed.out, replayed.out + replayed.err
    assert on_aws.landed() == landed and equal(on_aws, on_laptop) == []


def test_rebuilt_from_landing(on_aws, on_laptop, world):
    landed = on_aws.landed()
    rebuilt = on_aws("rebuild", "sales", **world.environment)
    assert rebuilt.code == 0, rebuilt.out + rebuilt.err
    assert on_aws.landed() == landed and equal(on_aws, on_laptop) == []


def test_plans_are_looked_at_and_a_model_is_rebuilt_from_inside_the_network(on_aws, on_laptop, world):
    looked = on_aws("plan", "--preview", **world.environment)
    assert (looked.code, looked.out.splitlines()[0]) == (0, "### Models: none changes"), looked.out + looked.err
    again = on_aws("plan", "--restate", "deftunes.fact_order_items", **world.environment)
    assert again.code == 0 and "published deftunes" in again.out, again.out + again.err
    assert equal(on_aws, on_laptop) == []


def test_a_file_that_is_dropped_is_read_and_the_rest_is_found_on_schedule(on_aws, estate, world, on_laptop):
    s3, folder = estate.cloud.client("s3"), Path(world.environment["ELT_SALES_FILES"])
    files = sorted(folder.glob("*.csv"))
    hostile = "sales/a \"b\", 'c'; $(d) [e] {f} <g> %20 #h?i=1 \\.csv"  # any name is only a name
    for path in files:
        s3.upload_file(str(path), DROPS, hostile if path == files[0] else f"sales/{path.name}")
    drops = world.environment | {"ELT_SALES_FILES": f"s3://{DROPS}/sales"}
    dropped = on_aws("run", "sales", "--object", DROPS, hostile, **drops)
    assert dropped.code == 0, dropped.out + dropped.err
    found = on_aws("run", "sales", **drops)
    assert found.code == 0 and equal(on_aws, on_laptop) == [], found.out + found.err


def test_what_landed_is_never_written_over(on_aws, estate, world, monkeypatch, tmp_path):
    for name, value in (on_aws.environment | world.environment).items():
        monkeypatch.setenv(name, value)
    fs, landed = storage(settings.load()), f"{BUCKET}/{min(on_aws.landed())}"
    before, large = fs.cat_file(landed), tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(101 << 20)  # which goes in parts
    for content in (b"", b"other", before[:-1], large):
        with pytest.raises(FileExistsError, match="what landed is never written over"):
            commit.create(fs, landed, content)
    with pytest.raises(PermissionError):  # whoever does not ask for a new object is refused by the policy
        fs.pipe_file(landed, b"other")
    commit.create(fs, landed, before)  # such as after a run that was killed before it was told that it had done it
    assert fs.cat_file(landed) == before
    for number, content in enumerate((b"new", large)):
        place = f"{BUCKET}/{PREFIX}/landing/trial/{number}"
        estate.cloud.fault(f"(PUT|POST) .*trial/{number}\\?(uploadId.*)?$", "cut")  # done, and the answer is lost
        commit.create(fs, place, content)
        assert fs.size(place) == (3 if number == 0 else 101 << 20)
        estate.cloud.client("s3").delete_object(Bucket=BUCKET, Key=place.removeprefix(f"{BUCKET}/"))
    estate.cloud.calm()


def test_the_task_s_role_may_do_what_the_code_does_and_nothing_else(on_aws, estate, world):
    """Every test of this file ran under Terraform's policy: nothing more is needed. And nothing in it was never needed."""
    examined = on_aws("doctor", **world.environment)
    assert examined.code == 0, examined.out + examined.err
    months = ("--since", "2000-01-01", "--until", "2000-01-02", "--batch", "empty")  # that nobody published
    for how in (("--read-ahead",), ("--days", "2")):
        done = on_aws("backfill", "taxi", *months, *how, **world.environment)
        assert done.code == 0, done.out + done.err
    assert estate.cloud.policy.unused() == []


def test_a_permission_that_is_missing_or_too_many_is_seen(on_aws, estate, world):
    less = json.loads(estate.policy().text)
    less["Statement"] = [statement for statement in less["Statement"] if statement["Sid"] != "Silver"]
    estate.cloud.bound_by(Policy(json.dumps(less)))
    refused = on_aws("replay", "sales", **world.environment)
    assert refused.code == 4 and "AWS refused it" in refused.err + refused.out, refused.out + refused.err
    more = json.loads(estate.policy().text)
    more["Statement"].append(
        {"Sid": "More", "Effect": "Allow", "Action": "s3:GetObjectAcl", "Resource": "arn:aws:s3:::x/*"}
    )
    policy = Policy(json.dumps(more))
    estate.cloud.bound_by(policy)
    assert on_aws("run", "--now", **world.environment).code == 0
    assert ("More", "s3:GetObjectAcl", "arn:aws:s3:::x/*") in policy.unused()
    estate.cloud.bound_by(estate.policy())


def test_no_secret_is_said_or_kept_anywhere(on_aws, estate):
    places = {str(path): path.read_bytes() for path in on_aws.folder.parent.rglob("*") if path.is_file()}
    places |= {f"s3 {name}": body for name, body in estate.objects().items()}
    places |= {f"sql {n}": statement.sql.encode() for n, statement in enumerate(estate.redshift.statements)}
    for what, value in estate.secrets().items():
        assert [place for place, content in places.items() if value.encode() in content] == [], what
