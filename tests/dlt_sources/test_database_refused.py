"""What a database lacks, refuses or does not answer: a clear error, the right exit code, no secret, nothing landed."""

import pytest
import yaml

import settings as configuration
from dlt_sources._steps.declared.source_error import RefusedError, SourceError
from dlt_sources._steps.land.connect import reach
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import land, load_sources
from tests.dlt_sources.database import declare, execute, run, staged

MISSING = {
    "a nullable column": ("ALTER TABLE s.things DROP COLUMN v", r"no column v .*it has id"),
    "the key": ("ALTER TABLE s.things RENAME id TO id_", r"no column id or new_id .*it has id_, v"),
    "the table": ("ALTER TABLE s.things RENAME TO thing", r"no table 'things' in schema s; did you mean 'thing'\?"),
    "the schema": ("ALTER SCHEMA s RENAME TO t", "no table 'things' in schema s"),
    "the right to the table": (
        "REVOKE ALL ON s.things FROM deftunes; ALTER TABLE s.things OWNER TO postgres",
        "the login deftunes may not read",
    ),
    "the right to a column": (
        "ALTER TABLE s.things OWNER TO postgres; REVOKE ALL ON s.things FROM deftunes; GRANT SELECT (id) ON s.things TO deftunes",
        "may not read columns v ",
    ),
    "the right to the schema": (
        "ALTER TABLE s.things OWNER TO postgres; REVOKE ALL ON SCHEMA s FROM deftunes",
        "may not read",
    ),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("what", MISSING)
@pytest.mark.parametrize("deletes", ["none", "reconcile"])
def test_what_is_missing_is_refused_before_anything_lands(tmp_path, here, db, monkeypatch, what, deletes):
    change, said = MISSING[what]
    shop = declare(tmp_path, monkeypatch, db.dsn, deletes=deletes)
    run(shop, here)
    before = Landing("shop", here).loads()
    execute(db, "DROP SCHEMA IF EXISTS t CASCADE", "INSERT INTO s.things VALUES (3, 'c')", *change.split(";"))
    with pytest.raises(RefusedError, match=said) as error:
        land(shop, here)
    assert error.value.exit_code == 2
    assert db.password not in str(error.value)
    assert Landing("shop", here).loads() == before
    execute(db, "DROP SCHEMA IF EXISTS t CASCADE")


def test_a_column_with_a_default_may_be_missing(tmp_path, here, db, monkeypatch):
    assert run(declare(tmp_path, monkeypatch, db.dsn, "    w: str | None = column('w', default=None)"), here) == (
        2,
        2,
        0,
    )


def test_columns_that_differ_in_case_only_are_refused(tmp_path, here, db, monkeypatch):
    execute(db, 'ALTER TABLE s.things ADD "V" text')
    fields = "    v: str | None = column('v')\n    w: str | None = column('v', path='V')"
    with pytest.raises(RefusedError, match="differ in upper and lower case"):
        land(declare(tmp_path, monkeypatch, db.dsn, fields), here)


def wrong_password(db):
    return db.dsn.replace(db.password, "hunter2")


LOGINS = {
    "a wrong password": (wrong_password, RefusedError, "refused the login"),
    "an unknown user": (lambda db: db.dsn.replace("deftunes:", "nobody:"), RefusedError, "refused the login"),
    "an unknown database": (lambda db: db.dsn.removesuffix("postgres") + "nowhere", RefusedError, "does not exist"),
    "TLS that the server has not": (lambda db: db.dsn + "?sslmode=require", RefusedError, "SSL"),
    "a certificate that is not there": (
        lambda db: db.dsn + "?sslmode=verify-full&sslrootcert=/no/where",
        RefusedError,
        "SSL|certificate",
    ),
    "an unknown parameter": (lambda db: db.dsn + "?colour=red", RefusedError, "colour"),
    "nobody at home": (lambda db: db.dsn.replace(str(db.port), "9"), SourceError, "could not be reached"),
    "no such host": (lambda db: db.dsn.replace("127.0.0.1", "nowhere.invalid"), SourceError, "could not be reached"),
    "a password with an @": (
        lambda db: "postgresql://me:hunter2@hunter3@nowhere.invalid/x",
        SourceError,
        "could not be reached",
    ),
    "a password with a /": (lambda db: "postgresql://me:hunter2/hunter3@nowhere.invalid/x", SourceError, ""),
}


@pytest.mark.parametrize("what", LOGINS)
def test_a_login_that_fails_is_a_clear_error_without_a_secret(tmp_path, here, db, monkeypatch, what):
    dsn, kind, said = LOGINS[what]
    shop = declare(tmp_path, monkeypatch, dsn(db))
    for ask in (lambda: land(shop, here), lambda: reach(shop, here)):
        with pytest.raises((SourceError, configuration.SettingsError), match=said or None) as error:
            ask()
        text = str(error.value)
        assert not any(secret in text for secret in (db.password, "hunter")), text
        if said:
            assert type(error.value) is kind
            assert error.value.exit_code == kind.exit_code


def test_a_server_that_takes_no_login_now_heals_by_itself(tmp_path, here, db, monkeypatch):
    execute(db, "ALTER DATABASE operational CONNECTION LIMIT 0")
    shop = declare(tmp_path, monkeypatch, db.operational)
    with pytest.raises(SourceError, match="too many connections") as error:
        land(shop, here)
    assert error.value.exit_code == 3
    execute(db, "ALTER DATABASE operational CONNECTION LIMIT -1")


def test_parameters_of_the_dsn_reach_the_server(tmp_path, here, db, monkeypatch):
    execute(
        db,
        "CREATE VIEW s.x AS SELECT 1 AS id, current_setting('application_name') AS v; GRANT SELECT ON s.x TO deftunes",
    )
    shop = declare(
        tmp_path, monkeypatch, db.dsn + "?application_name=the%20shop&connect_timeout=5&sslmode=prefer", table="x"
    )
    run(shop, here)
    assert staged(here) == [(1, "the shop")]


def test_a_query_that_fails_halfway_lands_nothing(tmp_path, here, db, monkeypatch):
    execute(
        db,
        "CREATE VIEW s.x AS SELECT i AS id, (1 / (20000 - i))::text AS v FROM generate_series(1, 20000) i; GRANT SELECT ON s.x TO deftunes",
    )
    shop = declare(tmp_path, monkeypatch, db.dsn, table="x")
    with pytest.raises(RefusedError, match="division by zero"):
        land(shop, here)
    assert Landing("shop", here).loads() == []


def test_columns_of_code_of_its_own_are_checked_too(tmp_path, here, monkeypatch):
    folder = declare(tmp_path, monkeypatch, "unused").folder
    declared = yaml.safe_load((folder / "source.yml").read_text())
    del declared["tables"]["things"]["table"]
    (folder / "source.yml").write_text(yaml.safe_dump(declared | {"connector": "python", "connection": {}}))
    (folder / "extract.py").write_text(
        "import pyarrow as pa\ndef things(request, values):\n    yield pa.table({'id': [1]})\n"
    )
    with pytest.raises(RefusedError, match=r"no column v .*it has id"):
        land(load_sources(folder.parent)["shop"], here)
