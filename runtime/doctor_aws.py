"""What a run on AWS needs, each thing asked for by the call that a run makes; what is refused names the IAM action."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from foundation.aws import AwsError, client, encryption, explain
from foundation.lock import state

if TYPE_CHECKING:
    from settings import Settings

PART = 5 * 2**20  # bytes of the smallest part of a multi-part upload


def probes(settings: Settings) -> list[tuple[str, Callable[[], str]]]:
    """(what is checked, the check), in the order of a run; a check returns what it found or raises."""
    name = f"_doctor/{secrets.token_hex(6)}"
    return [
        ("AWS credentials are valid", _identity),
        ("lake: objects can be listed", lambda: _listed(settings)),
        ("lake: objects are written, encrypted", lambda: _written(settings, name)),
        ("lake: large objects are written in parts", lambda: _in_parts(settings, f"{name}.parts")),
        ("lake: objects can be read", lambda: _read(settings, name)),
        ("lake: objects can be removed", lambda: _removed(settings, name, f"{name}.parts")),
        ("Glue: silver's tables can be made", lambda: _glue(settings, name)),
        ("Redshift login over verified TLS", _told(lambda: _redshift(settings, settings.redshift_database))),
        ("Redshift: schemas can be made", _told(lambda: _schemas(settings))),
        ("Redshift: the database of the dashboards", _told(lambda: _serving(settings))),
        ("Redshift: its role writes and reads the lake", _told(lambda: _copies(settings, name))),
        ("state's Postgres: schemas and locks", _told(lambda: _state(settings))),
    ]


def _told(probe: Callable[[], str]) -> Callable[[], str]:
    """The probe; when a certificate is refused, it says what decides that."""

    def run() -> str:
        try:
            return probe()
        except Exception as error:
            if "certificate" not in str(error):
                raise
            fix = "ELT_CA_FILE must hold its authority, and the host be the name that it was made for"
            raise type(error)(f"{error}. {fix}") from None

    return run


def _identity() -> str:
    return str(_ask("sts", "get_caller_identity")["Arn"])


def _listed(settings: Settings) -> str:
    bucket, prefix = _place(settings)
    _ask("s3", "list_objects_v2", Bucket=bucket, Prefix=f"{prefix}landing/", MaxKeys=1)
    return settings.lake


def _written(settings: Settings, name: str) -> str:
    bucket, prefix = _place(settings)
    found = _ask("s3", "put_object", Bucket=bucket, Key=prefix + name, Body=b"doctor", **encryption(settings))
    return str(found.get("ServerSideEncryption", "written"))


def _in_parts(settings: Settings, name: str) -> str:
    bucket, prefix = _place(settings)
    where = {"Bucket": bucket, "Key": prefix + name}
    upload = _ask("s3", "create_multipart_upload", **where, **encryption(settings))["UploadId"]
    try:
        _ask("s3", "upload_part", **where, UploadId=upload, PartNumber=1, Body=b"x" * PART)
    finally:
        _ask("s3", "abort_multipart_upload", **where, UploadId=upload)
    return "and given up cleanly"


def _read(settings: Settings, name: str) -> str:
    bucket, prefix = _place(settings)
    _ask("s3", "get_object", Bucket=bucket, Key=prefix + name)["Body"].read()
    return "what was written"


def _removed(settings: Settings, *names: str) -> str:
    bucket, prefix = _place(settings)
    for name in names:
        _ask("s3", "delete_object", Bucket=bucket, Key=prefix + name)
    return "what was written"


def _glue(settings: Settings, name: str) -> str:
    """A database of the doctor's own, and in it a table that is made, changed and dropped, as a refine does."""
    database = f"{settings.glue_prefix}doctor_{name.rpartition('/')[2]}"
    place = f"{settings.lake}/{name}.glue"
    table = {"Name": "doctor", "StorageDescriptor": {"Location": place, "Columns": []}, "Parameters": {}}
    _ask("glue", "create_database", DatabaseInput={"Name": database})
    try:
        _ask("glue", "get_database", Name=database)
        _ask("glue", "create_table", DatabaseName=database, TableInput=table)
        _ask("glue", "get_table", DatabaseName=database, Name="doctor")
        _ask("glue", "get_tables", DatabaseName=database)
        _ask("glue", "update_table", DatabaseName=database, TableInput=table, SkipArchive=True)
        _ask("glue", "delete_table", DatabaseName=database, Name="doctor")
    finally:
        _ask("glue", "delete_database", Name=database)  # with a table that is left in it
    return f"databases {settings.glue_prefix}..."


def _redshift(settings: Settings, database: str) -> str:
    from warehouse.redshift import Redshift

    with Redshift.connect(settings, database) as session:
        user, name = session.execute("SELECT current_user, current_database()").fetchall()[0]
    return f"{name} as {user}"


def _schemas(settings: Settings) -> str:
    from warehouse.redshift import Redshift

    with Redshift.connect(settings, settings.redshift_database) as session:
        _may(session, settings.redshift_database)
    return "CREATE ON DATABASE"


def _serving(settings: Settings) -> str:
    from warehouse.redshift import Redshift

    try:
        with Redshift.connect(settings, settings.redshift_serving) as session:
            _may(session, settings.redshift_serving)
    except AwsError:
        raise
    except Exception as error:
        raise type(error)(f"{error}. Is it there? CREATE DATABASE {settings.redshift_serving};") from None
    return settings.redshift_serving


def _may(session: Any, database: str) -> None:
    [(user, may)] = session.execute(
        "SELECT current_user, has_database_privilege(current_database(), 'CREATE')"
    ).fetchall()
    if not may:
        raise AwsError(f'{user} may not make schemas: GRANT CREATE ON DATABASE {database} TO "{user}";')


def _copies(settings: Settings, name: str) -> str:
    """UNLOAD one row to the lake and COPY it back, into a table that is gone with the session."""
    from warehouse.redshift import Redshift

    place, role = f"{settings.lake}/staging/{name}/", settings.redshift_role
    key = f" KMS_KEY_ID '{settings.kms_key}' ENCRYPTED" if settings.kms_key else ""
    unload = (
        f"UNLOAD ('SELECT CAST(1 AS BIGINT) AS n') TO '{place}' IAM_ROLE '{role}' FORMAT AS PARQUET PARALLEL OFF{key}"
    )
    try:
        with Redshift.connect(settings, settings.redshift_database) as session:
            session.execute(unload)
            session.execute("CREATE TEMP TABLE millrace_doctor (n BIGINT)")
            session.execute(f"COPY millrace_doctor FROM '{place}' IAM_ROLE '{role}' FORMAT AS PARQUET")
    except AwsError:
        raise
    except Exception as error:
        raise type(error)(
            f"{error}. {role} needs s3:ListBucket, s3:GetObject and s3:PutObject on the lake, and Redshift must have the role"
            " and lend it to this user (GRANT ASSUMEROLE)"
        ) from None
    finally:
        bucket, prefix = _place(settings)
        found = _ask("s3", "list_objects_v2", Bucket=bucket, Prefix=f"{prefix}staging/{name}/")
        for item in found.get("Contents", []):
            _ask("s3", "delete_object", Bucket=bucket, Key=item["Key"])
    return role


def _state(settings: Settings) -> str:
    with closing(state(settings)) as con, con.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database(), has_database_privilege(current_database(), 'CREATE')")
        user, database, may = cursor.fetchone()
    if not may:
        raise AwsError(f'{user} may not make schemas: GRANT CREATE ON DATABASE {database} TO "{user}";')
    return f"{settings.state_host}:{settings.state_port}/{database}"


def _place(settings: Settings) -> tuple[str, str]:
    """(bucket, prefix that ends with a slash or is empty)."""
    bucket, _, prefix = settings.lake.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}/" if prefix else ""


def _ask(service: str, operation: str, **asked: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client(service), operation)(**asked)
    except (BotoCoreError, ClientError) as error:
        raise AwsError(explain(error, service)) from None
