"""The doctor on AWS: what is missing is named, with its fix; what it made for the asking is gone afterwards."""

import contextlib
import os
import re
from contextlib import contextmanager

import psycopg2
import pytest
import trustme

import settings as configuration
from demo.postgres import USER, Postgres
from foundation import aws
from runtime import doctor_aws
from tests.aws.estate import BUCKET, IAM_USER, ROLE, Estate
from tests.harness import ROOT, Pipeline

LOGINS = {  # other ways in than the workgroup's: what they need in the environment
    "redshift:GetClusterCredentials": {"ELT_REDSHIFT_CLUSTER": "c", "ELT_REDSHIFT_USER": "millrace"},
    "redshift:GetClusterCredentialsWithIAM": {"ELT_REDSHIFT_CLUSTER": "c"},
}


def documented():
    """The IAM actions of docs/aws.md's table; a name without its service has the one before it."""
    text = (ROOT / "docs" / "aws.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", text.partition("| the task's role may")[2].partition("\n\n")[0], re.M)
    found, last = [], ""
    for name in re.findall(r"`([\w.:*-]*[A-Z][\w.:*-]*)`", " ".join(rows)):
        last = f"redshift:GetClusterCredentials{name[3:]}" if name.startswith("...") else name
        service = name.partition(":")[0] if ":" in name else found[-1].partition(":")[0]
        found.append(last if ":" in last else f"{service}:{name}")
    return found


ACTIONS = documented()
ASKED = [action for action in ACTIONS if not action.startswith(("kms:", "secretsmanager:"))]


@pytest.fixture(scope="module")
def estate(tmp_path_factory):
    """An account with nothing in it, and a Postgres for the state; this process's AWS."""
    folder = tmp_path_factory.mktemp("doctor")
    postgres = Postgres(folder / "rds")
    postgres.start()
    with (
        contextlib.closing(postgres),
        Estate(folder / "estate", postgres) as estate,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith("ELT_")]:
            patch.delenv(name)
        for name, value in {**estate.environment, "ELT_DATA_DIR": str(folder / "data"), "SSL_CERT_FILE": ""}.items():
            patch.setenv(name, value)
        yield estate
    aws.forget()


@pytest.fixture
def examine(estate, monkeypatch):
    """Runs the probes whose name begins so, in a changed environment: what each says, by (ok, name)."""

    def run(begins="", **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
        settings = configuration.load()
        said = {}
        for name, probe in doctor_aws.probes(settings):
            if name.startswith(begins):
                try:
                    said[True, name] = probe()
                except Exception as error:
                    assert getattr(error, "exit_code", None) == 4, f"{name}: {type(error)}"
                    said[False, name] = str(error)
        for what, value in estate.secrets().items():
            assert not any(value in text for text in said.values()), f"{what} is shown"
        return said

    yield run
    estate.cloud.calm()
    estate.cloud.only(None)
    aws.forget()


def missing(said):
    return {name: text for (ok, name), text in said.items() if not ok}


def state(estate, sql):
    """Ask the state's Postgres as its superuser, past TLS; whoever else is there is not disturbed."""
    where = {"host": str(estate.rds._sockets), "port": estate.rds.port, "user": "postgres", "dbname": "sqlmesh"}
    with contextlib.closing(psycopg2.connect(**where)) as con, con.cursor() as cursor:
        con.autocommit = True
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def left(estate):
    """All there is: objects and half uploads, Glue's databases, schemas and tables of the three databases."""
    s3, glue = estate.cloud.client("s3"), estate.cloud.client("glue")
    tables = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema !~ '^(pg_|information)'"
    schemas = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'"
    return {
        "objects": sorted(estate.objects()),
        "uploads": [upload["Key"] for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])],
        "glue": [database["Name"] for database in glue.get_databases()["DatabaseList"]],
        **{
            f"{n}: {q}": sorted(estate.redshift.query(q, n))
            for n in ("warehouse", "serving")
            for q in (tables, schemas)
        },
        **{f"state: {q}": sorted(state(estate, q)) for q in (tables, schemas)},
    }


def test_all_is_well_on_a_good_account_and_nothing_is_left_behind(estate, examine):
    before = left(estate)
    said = examine()
    assert missing(said) == {} and len(said) == 12 and all(said.values())
    assert said[True, "lake: objects are written, encrypted"] == "aws:kms"
    assert said[True, "Redshift login over verified TLS"] == "warehouse as millrace"
    assert left(estate) == before and before["objects"] == before["uploads"] == before["glue"] == []


def test_the_actions_of_the_docs_are_all_of_them(estate, examine):
    assert {"s3:ListBucket", "glue:DeleteDatabase", *LOGINS, "secretsmanager:GetSecretValue"} <= set(ACTIONS)
    estate.cloud.only(ACTIONS)
    assert missing(examine()) == {}


@pytest.mark.parametrize("action", ASKED)
def test_a_permission_that_is_missing_is_named(estate, examine, action):
    before = left(estate)
    begins = {"s3": "lake", "glue": "Glue"}.get(action.partition(":")[0], "Redshift login")
    environment = {"ELT_REDSHIFT_WORKGROUP": "", **LOGINS[action]} if action in LOGINS else {}
    aws.forget()
    configuration.load()  # the secrets are read
    estate.cloud.only([other for other in ACTIONS if other != action])
    found = missing(examine(begins, **environment))
    assert found and any(text.endswith(f"the role needs {action}") for text in found.values()), found
    estate.cloud.only(None)
    after = left(estate)
    if action in ("s3:DeleteObject", "s3:AbortMultipartUpload", "glue:DeleteDatabase"):  # then it cannot tidy up
        examine("lake")
        clean(estate)
    else:
        assert after == before


def clean(estate):
    s3, glue = estate.cloud.client("s3"), estate.cloud.client("glue")
    for name in estate.objects():
        s3.delete_object(Bucket=BUCKET, Key=name)
    for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
    for database in glue.get_databases()["DatabaseList"]:
        glue.delete_database(Name=database["Name"])


def test_a_secret_that_may_not_be_read_is_named_before_anything_else(estate):
    aws.forget()
    estate.cloud.only([action for action in ACTIONS if not action.startswith("secretsmanager")])
    with pytest.raises(aws.SecretError, match=r"millrace/.*the role needs secretsmanager:GetSecretValue"):
        configuration.load()
    estate.cloud.only(None)


# ---- what is not there


@contextmanager
def without_role(estate):
    estate.redshift.roles.discard(ROLE)
    yield
    estate.redshift.roles.add(ROLE)


@contextmanager
def without_serving(estate):
    estate.redshift.query("ALTER DATABASE serving RENAME TO away", "postgres")
    yield
    estate.redshift.query("ALTER DATABASE away RENAME TO serving", "postgres")


@contextmanager
def without_create(estate, database="warehouse"):
    user = IAM_USER.partition(":")[2]
    estate.redshift.query(f'REVOKE CREATE ON DATABASE {database} FROM "{user}"')
    yield
    estate.redshift.query(f'GRANT CREATE ON DATABASE {database} TO "{user}"')


@contextmanager
def without_create_on_state(estate):
    state(estate, "ALTER DATABASE sqlmesh OWNER TO postgres")
    yield
    state(estate, f"ALTER DATABASE sqlmesh OWNER TO {USER}")


@contextmanager
def without_state(estate):
    estate.rds.stop()
    yield
    estate.rds.start()


@contextmanager
def without_login(estate):
    users, estate.redshift.users = estate.redshift.users, {}
    yield
    estate.redshift.users = users


STATE = "state's Postgres: schemas and locks"
COPIES = "Redshift: its role writes and reads the lake"
LACKS = [
    (without_role, {COPIES: [ROLE, "Redshift must have the role"]}),
    (without_serving, {"Redshift: the database of the dashboards": ["CREATE DATABASE serving;"]}),
    (without_create, {"Redshift: schemas can be made": ['GRANT CREATE ON DATABASE warehouse TO "millrace";']}),
    (without_create_on_state, {STATE: [f'GRANT CREATE ON DATABASE sqlmesh TO "{USER}";']}),
    (without_state, {STATE: ["the state's Postgres at localhost:", "/sqlmesh failed"]}),
]


@pytest.mark.parametrize(("lack", "expected"), LACKS, ids=[lack.__name__ for lack, _ in LACKS])
def test_what_is_not_there_is_named_with_its_fix(estate, examine, lack, expected):
    before = left(estate)
    with lack(estate):
        found = missing(examine())
    assert found.keys() == expected.keys(), found
    for name, words in expected.items():
        assert all(word in found[name] for word in words), found[name]
    assert left(estate) == before


def test_schemas_that_cannot_be_made_for_the_dashboards_are_told_of(estate, examine):
    with without_create(estate, "serving"):
        [text] = missing(examine()).values()
    assert text == 'millrace may not make schemas: GRANT CREATE ON DATABASE serving TO "millrace";'


def test_a_certificate_of_another_authority_is_refused_and_its_setting_named(examine, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    found = missing(examine(ELT_CA_FILE=str(tmp_path / "other.pem")))
    assert {STATE, COPIES, "Redshift login over verified TLS"} <= found.keys()
    for text in found.values():
        assert "certificate verify failed" in text and "ELT_CA_FILE" in text


def test_a_login_that_redshift_does_not_know_is_told_of_without_its_password(estate, examine):
    with without_login(estate):
        found = missing(examine("Redshift"))
    assert len(found) == 4 and all("password authentication failed" in text for text in found.values())


def test_the_command_says_the_line_and_ends_with_4(estate, tmp_path):
    pipeline = Pipeline(tmp_path / "data", estate.environment)
    with without_role(estate):
        result = pipeline("doctor")
    assert result.code == 4, result.out + result.err
    said = " ".join(result.out.split())
    assert f"missing {COPIES}" in said and "Redshift must have the role" in said
    assert f"ok {STATE}" in said and "ok Glue: silver's tables can be made" in said
    for what, value in estate.secrets().items():
        assert value not in result.out + result.err, what
