"""What Terraform leaves, on the stand-ins, and what must be possible with it once it is bootstrapped."""

import contextlib
import json
from urllib.parse import urlsplit

import psycopg2
import pytest
import sqlalchemy as sa
from redshift_stand_in import grants
from redshift_stand_in.client import Client

import settings as configuration
from foundation import aws
from runtime import bootstrap_secrets, bootstrap_stores, doctor_aws
from tests.aws.actions import needed
from tests.aws.estate import ROLE as COPIER
from warehouse.publish import publish
from warehouse.redshift import Redshift

PREFIX = "millrace-dev"
SECRETS = [f"{PREFIX}/{name}" for name in ("state", "superset-meta", "dashboards", "superset", "pii-salt")]
ADMINS = {"redshift": "redshift!millrace-dev-admin", "rds": "rds!db-1"}
ROLE = "millrace-dev-task"
PIPELINE = f"IAMR:{ROLE}"
UNLOAD = f"UNLOAD ('SELECT 1 AS n') TO 's3://millrace-drops/mine/' IAM_ROLE '{COPIER}' FORMAT AS PARQUET"
ACTIONS = {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"}
"""What the role of the bootstrap's task needs: the first on `SECRETS` and both admins' secrets, the second on `SECRETS`;
where they have a KMS key of their own also kms:Decrypt and kms:GenerateDataKey on it."""


def called(estate):
    """The IAM actions of the requests so far."""
    return {a for r in estate.cloud.requests for a in needed(r.service, r.method, r.path, r.query, r.headers)}


class Fresh:
    """What Terraform leaves: a Redshift with one database and an admin, an RDS with an admin, secrets without a value."""

    def __init__(self, estate):
        self.estate, self.redshift, self.rds = estate, estate.redshift, estate.rds
        self.store = estate.cloud.client("secretsmanager")
        self.passwords = {"redshift": "Redshift-Admin-1", "rds": "Rds-Admin-1"}
        self.redshift.query("CREATE ROLE admin LOGIN SUPERUSER IN ROLE rs_clients")
        self.redshift.users["admin"] = self.passwords["redshift"]
        # the admin of an RDS is not a superuser
        self.on_rds(f"CREATE ROLE dba LOGIN CREATEDB CREATEROLE PASSWORD '{self.passwords['rds']}'")
        for admin, name, user in (("redshift", ADMINS["redshift"], "admin"), ("rds", ADMINS["rds"], "dba")):
            text = json.dumps({"username": user, "password": self.passwords[admin]})
            self.store.create_secret(Name=name, SecretString=text)
        self.environment = estate.cloud.environment | {
            "ELT_BOOTSTRAP_PREFIX": PREFIX,
            "ELT_BOOTSTRAP_DB_SECRET": ADMINS["rds"],
            "ELT_BOOTSTRAP_REDSHIFT_SECRET": ADMINS["redshift"],
            "ELT_BOOTSTRAP_PIPELINE_ROLE": ROLE,
            "ELT_REDSHIFT_ROLE": COPIER,
            "ELT_REDSHIFT_HOST": estate.redshift.host,
            "ELT_REDSHIFT_PORT": str(estate.redshift.port),
            "ELT_STATE_HOST": "localhost",
            "ELT_STATE_PORT": str(estate.tls.port),
            "ELT_CA_FILE": str(estate.ca),
        }

    def on_rds(self, *statements, database="postgres"):
        """By a superuser over the Postgres's own socket."""
        where = {"host": str(self.rds._sockets), "port": self.rds.port, "user": "postgres", "dbname": database}
        with contextlib.closing(psycopg2.connect(**where)) as con, con.cursor() as cursor:
            con.autocommit = True
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def reset(self):
        """Take everything back that a bootstrap made."""
        aws.forget()
        self.estate.cloud.calm()
        self.estate.cloud.only(None)
        for name in SECRETS:
            with contextlib.suppress(self.store.exceptions.ResourceNotFoundException):
                self.store.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            self.store.create_secret(Name=name)
        for user in ("millrace", "superset"):
            self.on_rds(f"DROP DATABASE IF EXISTS {user} (FORCE)", f"DROP ROLE IF EXISTS {user}")
        self.redshift._foreign.close()
        for schema, owner in self.redshift.query(
            "SELECT nspname, rolname FROM pg_namespace JOIN pg_roles r ON r.oid = nspowner"
        ):
            if owner.startswith("iamr:"):
                self.redshift.query(f'DROP SCHEMA "{schema}" CASCADE')
        self.redshift.query("DROP DATABASE IF EXISTS serving (FORCE)", "postgres")
        for role in ("loader", "transformer", "bi", "dashboards", PIPELINE.lower()):
            if self.redshift.query(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):
                self.redshift.query(f'DROP OWNED BY "{role}"')
                self.redshift.query(f'DROP ROLE "{role}"')
        self.redshift.users[PIPELINE] = "lent by IAM"
        self.redshift.lent = set(grants.EVERYBODY)
        self.redshift.statements.clear()
        self.estate.cloud.forget()

    def values(self):
        """The secrets' texts, by name; None without a value. Asking counts for nothing and needs no permission."""
        cloud, found = self.estate.cloud, {}
        requests, allowed, cloud._allowed = list(cloud.requests), cloud._allowed, None
        for name in SECRETS:
            try:
                found[name.partition("/")[2]] = self.store.get_secret_value(SecretId=name)["SecretString"]
            except self.store.exceptions.ResourceNotFoundException:
                found[name.partition("/")[2]] = None
        cloud.requests[:], cloud._allowed = requests, allowed
        return found

    def secret(self, name):
        return json.loads(self.values()[name])

    def hidden(self):
        """Every text that must appear nowhere."""
        found = set(self.passwords.values())
        for text in filter(None, self.values().values()):
            held = json.loads(text) if text.startswith("{") else {"value": text}
            found |= {held[k] for k in ("password", "url", "secret_key", "admin_password", "value") if k in held}
        return found

    def as_pipeline(self, monkeypatch):
        """The settings of the pipeline's task after it: its own secrets, and a login to Redshift that IAM lends."""
        values = {
            name: f"secret:{PREFIX}/state#{key}"
            for name, key in (
                ("ELT_STATE_USER", "username"),
                ("ELT_STATE_PASSWORD", "password"),
                ("ELT_STATE_DATABASE", "dbname"),
                ("ELT_POSTGRES_URL", "url"),
            )
        }
        values |= {"ELT_REDSHIFT_USER": PIPELINE, "ELT_REDSHIFT_PASSWORD": "lent by IAM", "ELT_REDSHIFT_WORKGROUP": ""}
        values |= {"ELT_PII_SALT": f"secret:{PREFIX}/pii-salt"}
        for name, value in {**self.estate.environment, **self.environment, **values}.items():
            monkeypatch.setenv(name, value)
        aws.forget()
        return configuration.load()

    def reader(self, database="serving"):
        held = self.secret("dashboards")
        return Client(self.redshift, database, user=held["username"], password=held["password"])


def catalogue(fresh):
    """What both databases know of users, rights and owners, without the salts of hashed passwords."""
    of = "SELECT {} FROM pg_roles r WHERE rolname !~ '^(pg_|rs_)' ORDER BY rolname"
    roles = of.format(
        "rolname, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, array(SELECT g.rolname::text FROM pg_auth_members m"
        " JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1)"
    )
    acl = "array(SELECT x::text FROM unnest({}) x ORDER BY 1)"
    databases = f"SELECT datname, datdba::regrole, {acl.format('datacl')} FROM pg_database ORDER BY 1"
    schemas = f"SELECT nspname, nspowner::regrole, {acl.format('nspacl')} FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1"
    defaults = f"SELECT defaclrole::regrole, defaclnamespace::regnamespace, {acl.format('defaclacl')} FROM pg_default_acl ORDER BY 1, 2"
    return [
        *[fresh.redshift.query(query) for query in (roles, databases, schemas)],
        *[fresh.redshift.query(query, "serving") for query in (schemas, defaults)],
        *[fresh.on_rds(query) for query in (roles, databases)],
        *[fresh.on_rds(schemas, database=database) for database in ("millrace", "superset")],
    ]


def usable(fresh, monkeypatch):
    """The pipeline makes, publishes and keeps its state; the dashboards read all of it, at once, and nothing else."""
    with monkeypatch.context() as patch:
        settings = fresh.as_pipeline(patch)
        for name, probe in doctor_aws.probes(settings):
            if name.startswith(("Redshift", "state's")):
                probe()
        with Redshift.connect(settings, "warehouse") as gold:
            gold.execute("CREATE SCHEMA IF NOT EXISTS taxi")
            gold.execute("DROP TABLE IF EXISTS taxi.zones")
            gold.execute("CREATE TABLE taxi.zones (n INT, name VARCHAR(5))")
            gold.execute("INSERT INTO taxi.zones VALUES (1, 'a')")
        assert publish(["taxi"], settings).rows == {"taxi": 1}
        with contextlib.closing(fresh.reader().con) as con, con.cursor() as reads:
            con.autocommit = True
            reads.execute("SELECT n FROM taxi.zones")
            assert reads.fetchall() == [(1,)]
            for bad in (
                "INSERT INTO taxi.zones VALUES (2)",
                "DELETE FROM taxi.zones",
                "DROP TABLE taxi.zones",
                "CREATE TABLE taxi.mine (n INT)",
                "CREATE TABLE public.mine (n INT)",
                "CREATE SCHEMA mine",
                "SELECT * FROM warehouse.taxi.zones",
                "CREATE TEMP TABLE mine (n INT)",
                UNLOAD,
            ):
                with pytest.raises(psycopg2.Error, match=r"permission denied|must be owner|not authorized to assume"):
                    reads.execute(bad)
        elsewhere = fresh.reader("warehouse")
        with contextlib.closing(elsewhere.con):
            for bad in ("SELECT * FROM taxi.zones", "CREATE TEMP TABLE mine (n INT)", UNLOAD):
                with pytest.raises(psycopg2.Error, match=r"permission denied|not authorized to assume"):
                    elsewhere(bad)
        url = settings.postgres_url.get_secret_value()
        for address, user in ((url, "millrace"), (fresh.secret("superset-meta")["url"], "superset")):
            with contextlib.closing(psycopg2.connect(address)) as con, con.cursor() as own:
                own.execute("SELECT current_user, current_database()")
                assert own.fetchall() == [(user, user)]
                own.execute("CREATE SCHEMA mine; CREATE TABLE public.t (n int)")
            with sa.create_engine(address).connect() as engine:
                assert engine.execute(sa.text("SELECT 1")).scalar() == 1
            other = urlsplit(address)._replace(path="/superset" if user == "millrace" else "/millrace").geturl()
            with pytest.raises(psycopg2.Error, match="permission denied for database"):
                psycopg2.connect(other)


class Killed(BaseException):
    pass


def arm(monkeypatch):
    """What was done before a kill. While it is armed, the process is gone after so many things (`step`) that are not among these."""
    state = {"armed": False, "done": set(), "step": 1}

    def wrap(owner, name, key):
        real = getattr(owner, name)

        def call(*arguments):
            found, done = real(*arguments), key(*arguments)
            if state["armed"] and done and done not in state["done"]:
                state["done"].add(done)
                if len(state["done"]) % state["step"] == 0:
                    raise Killed
            return found

        monkeypatch.setattr(owner, name, call)

    wrap(bootstrap_secrets, "_write", lambda name, text: name)
    for owner in (bootstrap_stores.Postgres, bootstrap_stores.Admin):
        wrap(owner, "say", lambda self, what, sql, *values: not sql.startswith("SELECT") and (what, sql))
    return state
