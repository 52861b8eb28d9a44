"""The bootstrap: what Terraform leaves becomes usable, whatever stops it on the way; it prints things and no secret."""

import contextlib
import json
import os
import re
import string
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest
import trustme
import yaml
from redshift_stand_in.client import Client

import settings as configuration
from demo.postgres import Postgres
from foundation import aws
from runtime import bootstrap, bootstrap_secrets, bootstrap_stores
from tests.aws.estate import Estate
from tests.harness import ROOT
from tests.runtime.fresh import ACTIONS, ADMINS, PREFIX, ROLE, Fresh, Killed, arm, called, catalogue, usable
from warehouse.publish import publish
from warehouse.redshift import Redshift


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bootstrap")
    postgres = Postgres(folder / "rds")
    postgres.start()
    with contextlib.closing(postgres), Estate(folder / "estate", postgres) as estate:
        yield Fresh(estate)


@pytest.fixture
def fresh(account, monkeypatch):
    account.reset()
    domains = sorted({*bootstrap_stores.domains(), "taxi"})  # also where the samples were removed
    monkeypatch.setattr(bootstrap_stores, "domains", lambda: domains)
    for name in [name for name in os.environ if name.startswith("ELT_")]:
        monkeypatch.delenv(name)
    for name, value in {**account.environment, "SSL_CERT_FILE": ""}.items():
        monkeypatch.setenv(name, value)
    yield account
    aws.forget()


@pytest.fixture
def boot(fresh, capfd, monkeypatch):
    """Runs the command in this process: its exit code, its lines and its error; no secret is in them or in a statement."""

    def run(*arguments):
        aws.forget()
        monkeypatch.setattr("sys.argv", ["bootstrap", *arguments])
        with pytest.raises(SystemExit) as ended:
            bootstrap.main()
        out, err = capfd.readouterr()
        said = [statement.sql for statement in fresh.redshift.statements]
        for text in fresh.hidden():
            assert text not in out + err and not any(text in sql for sql in said)
        return ended.value.code or 0, out.splitlines(), err

    return run


def test_what_terraform_leaves_becomes_usable(fresh, boot, monkeypatch):
    code, lines, err = boot()
    assert code == 0 and err == "", err
    assert all(re.match(r"(made|set) ", line) for line in lines), lines
    usable(fresh, monkeypatch)
    publishing = [s.sql for s in fresh.redshift.statements if s.sql.startswith("DROP TABLE")]
    fresh.redshift.query("ALTER TABLE taxi.zones ADD COLUMN more INT")
    with monkeypatch.context() as patch:  # the table is made again, and may be read again at once
        assert publish(["taxi"], fresh.as_pipeline(patch)).rows == {"taxi": 1}
    assert len([s for s in fresh.redshift.statements if s.sql.startswith("DROP TABLE")]) > len(publishing)
    assert fresh.reader()("SELECT more FROM taxi.zones") == [(None,)]


def test_the_shapes_that_tasks_read(fresh, boot):
    assert boot()[0] == 0
    state, meta, dashboards = (fresh.secret(name) for name in ("state", "superset-meta", "dashboards"))
    assert state.keys() == meta.keys() == {"username", "password", "host", "port", "dbname", "url"}
    assert dashboards.keys() == {"username", "password"} and dashboards["username"] == "dashboards"
    assert (state["username"], state["dbname"], meta["username"]) == ("millrace", "millrace", "superset")
    assert len(fresh.secret("superset")["secret_key"]) >= 32 and fresh.values()["pii-salt"].isprintable()
    for held in (state, meta):
        url = urlsplit(held["url"])
        assert (url.username, url.password, url.hostname) == (held["username"], held["password"], "localhost")
        assert parse_qs(url.query) == {"sslmode": ["verify-full"], "sslrootcert": [str(fresh.estate.ca)]}


def test_passwords_follow_redshifts_rules():
    allowed = set(string.ascii_letters + string.digits + "-_")
    found = {bootstrap_secrets.password() for _ in range(300)}
    assert len(found) == 300
    for text in found:
        assert 8 <= len(text) <= 64 and set(text) <= allowed
        assert any(c.isupper() for c in text) and any(c.islower() for c in text) and any(c.isdigit() for c in text)


def test_twice_is_once(fresh, boot, monkeypatch):
    first = boot()
    before, values = catalogue(fresh), fresh.values()
    code, lines, err = boot()
    assert (code, err, len(lines)) == (0, "", len(first[1]))
    assert not any(line.startswith(("made", "changed")) for line in lines), lines
    assert catalogue(fresh) == before and fresh.values() == values
    usable(fresh, monkeypatch)


def test_schemas_over_silver_are_made_for_sources_that_ask_for_them(fresh, boot, monkeypatch):
    monkeypatch.setattr("dlt_sources.spectrum.declaring", lambda sources: ["taxi"])
    assert boot()[0] == 0
    schemas = "SELECT databasename FROM svv_external_schemas"
    assert fresh.redshift.query(schemas) == []  # its role may not read silver
    monkeypatch.setenv("ELT_BOOTSTRAP_SPECTRUM", "true")
    monkeypatch.setenv("ELT_GLUE_PREFIX", "mine_")
    try:
        code, lines, err = boot()
        assert code == 0 and "made    Redshift: schema lake_taxi over silver" in lines, err
        assert fresh.redshift.query(schemas) == [("mine_taxi",)]
        code, lines, err = boot()
        assert code == 0 and "kept    Redshift: schema lake_taxi over silver" in lines, err
        with Redshift.connect(fresh.as_pipeline(monkeypatch), "warehouse") as pipeline:
            assert pipeline.execute("SELECT has_schema_privilege('lake_taxi', 'USAGE')").fetchall() == [(True,)]
    finally:
        fresh.redshift.query("DROP SCHEMA IF EXISTS lake_taxi")


@pytest.fixture
def kills(monkeypatch):
    return arm(monkeypatch)


@pytest.mark.slow
def test_killed_after_each_thing_and_run_again_it_ends_as_if_never_killed(fresh, boot, kills, monkeypatch, step):
    """Each run goes one thing further than the one before it, from where that one was killed; by day a few."""
    monkeypatch.setattr(bootstrap_stores, "domains", lambda: ["ops", "taxi"])
    assert boot()[0] == 0
    undisturbed, values, times = catalogue(fresh), {}, 0
    fresh.reset()
    kills.update(armed=True, step=step)
    while True:
        try:
            code, _, err = boot()
            assert (code, err) == (0, "")
            break
        except Killed:
            times += 1
            kept = {name: text for name, text in fresh.values().items() if text}
            assert values.items() <= kept.items(), "a secret that was written has changed"
            values = kept
    assert times > 35 // step and catalogue(fresh) == undisturbed and fresh.values() == values
    usable(fresh, monkeypatch)


def test_a_user_whose_password_is_not_the_secrets_gets_it(fresh, boot, monkeypatch):
    """As after a kill between the secret and the user, or when a secret was put there by hand."""
    assert boot()[0] == 0
    for name in ("state", "superset-meta", "dashboards"):
        text = json.dumps(fresh.secret(name) | {"password": "Another-one-2/@'%"})
        fresh.store.put_secret_value(SecretId=f"{PREFIX}/{name}", SecretString=text)
    assert boot()[0] == 0
    assert fresh.secret("state")["password"] == "Another-one-2/@'%"
    usable(fresh, monkeypatch)


def test_a_database_that_moved_is_followed_and_keeps_its_password(fresh, boot, monkeypatch):
    assert boot()[0] == 0
    before = fresh.secret("state")
    old = before | {"host": "old.example", "url": before["url"].replace("localhost", "old.example"), "note": "ours"}
    fresh.store.put_secret_value(SecretId=f"{PREFIX}/state", SecretString=json.dumps(old))
    code, lines, _ = boot()
    assert code == 0 and f"changed secret {PREFIX}/state" in lines
    assert fresh.secret("state") == before | {"note": "ours"}


def test_a_schema_of_somebody_else_becomes_the_pipelines(fresh, boot, monkeypatch):
    assert boot()[0] == 0
    fresh.redshift.query("ALTER SCHEMA taxi OWNER TO admin", "serving")
    assert boot()[0] == 0
    usable(fresh, monkeypatch)


def test_a_database_that_was_made_with_the_instance_becomes_its_users(fresh, boot, monkeypatch):
    fresh.on_rds("CREATE DATABASE millrace OWNER dba")
    assert boot()[0] == 0
    usable(fresh, monkeypatch)


@pytest.mark.parametrize("name", ["state", "superset-meta", "dashboards"])
def test_rotate_makes_a_new_password_and_the_old_one_is_refused(fresh, boot, monkeypatch, name):
    assert boot()[0] == 0
    before = fresh.values()
    code, lines, err = boot("--rotate", name)
    assert (code, err) == (0, "") and f"The password of {name} is new: start again what uses it." in lines
    after = fresh.values()
    assert [key for key in before if before[key] != after[key]] == [name]
    usable(fresh, monkeypatch)
    old = json.loads(before[name])
    with pytest.raises(psycopg2.Error, match="password authentication failed"):
        if "url" in old:
            psycopg2.connect(old["url"])
        else:
            Client(fresh.redshift, "serving", user=old["username"], password=old["password"])


@pytest.mark.parametrize(
    ("name", "words"), [("pii-salt", "hashed field"), ("superset", "encrypted"), ("sources", "no such secret")]
)
def test_what_must_not_rotate_is_refused_before_anything_is_touched(fresh, boot, name, words):
    code, lines, err = boot("--rotate", name)
    assert code == 2 and words in err and lines == []
    assert fresh.redshift.statements == [] and set(fresh.values().values()) == {None}


def test_two_at_once_take_turns(fresh, boot):
    admin = bootstrap_stores.Postgres(configuration.load_bootstrap(), "postgres")
    with contextlib.closing(admin), bootstrap_stores.hold_lock(admin):
        code, lines, err = boot()
    assert code == 5 and lines == [] and "another bootstrap is running" in err
    assert boot()[0] == 0


# ---- what it needs


def test_it_calls_what_its_role_allows_and_nothing_else(fresh, boot):
    assert boot()[0] == 0 and boot("--rotate", "state")[0] == 0
    assert called(fresh.estate) == ACTIONS
    fresh.reset()
    fresh.estate.cloud.only(sorted(ACTIONS))
    code, _, err = boot()
    assert code == 0, err


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_missing_permission_is_named(fresh, boot, action):
    fresh.estate.cloud.only(sorted(ACTIONS - {action}))
    code, _, err = boot()
    assert code == 2 and f"the role needs {action}" in err
    fresh.estate.cloud.only(None)
    assert boot()[0] == 0


def test_a_secret_that_terraform_did_not_make_is_named(fresh, boot):
    fresh.store.delete_secret(SecretId=f"{PREFIX}/dashboards", ForceDeleteWithoutRecovery=True)
    code, _, err = boot()
    assert code == 2 and f"there is no secret {PREFIX}/dashboards: Terraform makes it" in err


def test_a_secret_that_is_not_json_is_left_as_it_is(fresh, boot):
    fresh.store.put_secret_value(SecretId=f"{PREFIX}/state", SecretString="by hand")
    code, _, err = boot()
    assert code == 2 and f"the secret {PREFIX}/state is not a JSON object" in err and "by hand" not in err
    assert fresh.values()["state"] == "by hand"


def test_settings_that_are_missing_are_named_and_no_others_are_asked_for(fresh, boot, monkeypatch):
    monkeypatch.setenv("ELT_TARGET", "aws")  # its own demands are the pipeline's
    monkeypatch.setenv("ELT_STATE_PASSWORD", f"secret:{PREFIX}/nothing#password")
    assert boot()[0] == 0
    wanted = [name for name in fresh.environment if name.startswith("ELT_") and not name.endswith("PORT")]
    for name in wanted:
        monkeypatch.delenv(name)
    code, _, err = boot()
    assert code == 2 and all(f"  {name} (not set): " in err for name in wanted)


def test_an_arn_is_not_a_role_name(fresh, boot, monkeypatch):
    monkeypatch.setenv("ELT_BOOTSTRAP_PIPELINE_ROLE", f"arn:aws:iam::123456789012:role/{ROLE}")
    code, _, err = boot()
    assert code == 2 and "ELT_BOOTSTRAP_PIPELINE_ROLE" in err


def test_an_admin_who_may_not_is_told_of(fresh, boot):
    fresh.on_rds("ALTER ROLE dba NOCREATEROLE")
    code, _, err = boot()
    fresh.on_rds("ALTER ROLE dba CREATEROLE")
    assert code == 4 and "Postgres: user millrace: the RDS Postgres at localhost:" in err
    assert "permission denied to create role" in err and "ELT_BOOTSTRAP_DB_SECRET" in err
    fresh.redshift.query("ALTER ROLE admin NOSUPERUSER")
    code, _, err = boot()
    fresh.redshift.query("ALTER ROLE admin SUPERUSER")
    assert code == 4 and "Redshift: database serving: Redshift: permission denied to create database" in err
    assert "ELT_BOOTSTRAP_REDSHIFT_SECRET" in err
    assert boot()[0] == 0


def test_a_certificate_of_another_authority_is_refused(fresh, boot, monkeypatch, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("ELT_CA_FILE", str(tmp_path / "other.pem"))
    code, _, err = boot()
    assert code == 4 and "certificate verify failed" in err and "ELT_CA_FILE" in err
    assert set(fresh.values().values()) == {None}


def test_an_admin_password_that_is_wrong_is_not_shown(fresh, boot):
    text = json.dumps({"username": "dba", "password": "not-the-Password-7"})
    fresh.store.put_secret_value(SecretId=ADMINS["rds"], SecretString=text)
    code, _, err = boot()
    right = json.dumps({"username": "dba", "password": fresh.passwords["rds"]})
    fresh.store.put_secret_value(SecretId=ADMINS["rds"], SecretString=right)
    assert code == 4 and "login to" in err and "failed" in err and "not-the-Password-7" not in err


def test_the_schemas_are_those_of_the_models_and_datasets():
    found = bootstrap_stores.domains()
    models = {re.search(r"name\s+(\w+)\.", p.read_text())[1] for p in bootstrap_stores.MODELS.glob("*/*.sql")}
    assets = ROOT / "superset" / "assets" / "datasets"
    assert models == set(found)
    assert {yaml.safe_load(path.read_text())["schema"] for path in assets.rglob("*.yaml")} <= set(found)
