"""What only AWS can answer, asked of the tests' AWS: secrets, logins, the lake's objects and their listing."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs
from botocore.exceptions import ClientError, NoCredentialsError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.s3.models import s3_backends

import settings as configuration
from dlt_sources._steps.silver import tidy
from dlt_sources._steps.silver.silver import Silver
from dlt_sources._steps.stores import destination
from dlt_sources._steps.stores.lake import Landing, storage
from dlt_sources.door import silver_size
from foundation import aws
from settings import SettingsError
from tests.aws import policy
from tests.aws.cloud import Cloud

MB = 1 << 20
NEEDED = {
    "ELT_LAKE_URL": "s3://lake/elt",
    "ELT_REDSHIFT_HOST": "localhost",
    "ELT_REDSHIFT_ROLE": "arn:aws:iam::123456789012:role/r",
    "ELT_REDSHIFT_WORKGROUP": "analytics",
    "ELT_STATE_HOST": "localhost",
    "ELT_STATE_USER": "elt",
    "ELT_STATE_PASSWORD": "state-password",
    "ELT_PII_SALT": "pinch",
}
TEXT = "s3cr3t-text"


@pytest.fixture(scope="module")
def running():
    with Cloud() as cloud:
        cloud.client("s3").create_bucket(Bucket="lake")
        yield cloud


@pytest.fixture
def cloud(running, monkeypatch, tmp_path):
    """The running AWS, calm, as this process's; settings that name it."""
    running.calm()
    running.only(None)
    for name in [name for name in os.environ if name.startswith("ELT_")]:
        monkeypatch.delenv(name)
    for name, value in {**running.environment, "ELT_DATA_DIR": str(tmp_path / "data")}.items():
        monkeypatch.setenv(name, value)
    aws.forget()
    s3fs.S3FileSystem.clear_instance_cache()
    running.forget()
    yield running
    aws.forget()


@pytest.fixture
def on_aws(cloud, monkeypatch):
    """Sets the environment of target aws and loads it, with changes; None removes."""

    def load(**changes):
        for name, value in ({"ELT_TARGET": "aws"} | NEEDED | changes).items():
            monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name, raising=False)
        return configuration.load()

    return load


@pytest.fixture
def clock(monkeypatch):
    """Moves the clock that foundation.aws looks at."""

    class Clock(datetime):
        ahead = timedelta()

        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + cls.ahead

    monkeypatch.setattr(aws, "datetime", Clock)
    return Clock


def keep(cloud, name, text):
    """Make or change a secret."""
    secrets = cloud.client("secretsmanager")
    try:
        secrets.create_secret(Name=name, SecretString=text)
    except secrets.exceptions.ResourceExistsException:
        secrets.put_secret_value(SecretId=name, SecretString=text)


def asked(cloud, service):
    return [request.path for request in cloud.requests if request.service == service]


# ---- secrets


def test_a_setting_that_names_a_secret_is_its_text_or_its_key_s_value(on_aws, cloud, monkeypatch):
    keep(cloud, "millrace/state", json.dumps({"username": "anna", "password": TEXT, "port": 5433}))
    keep(cloud, "millrace/salt", "pinch#of")
    found = on_aws(
        ELT_STATE_USER="secret:millrace/state#username",
        ELT_STATE_PASSWORD="secret:millrace/state#password",
        ELT_PII_SALT="secret:millrace/salt",
    )
    assert (found.state_user, found.state_password.get_secret_value()) == ("anna", TEXT)
    assert found.pii_salt.get_secret_value() == "pinch#of" and found.redshift_host == "localhost"
    assert TEXT not in repr(found) and "pinch" not in repr(found)
    monkeypatch.setenv("ELT_SHOP_URL", "secret:millrace/state#password")
    assert found.lookup("shop_url") == TEXT
    monkeypatch.setenv("ELT_SHOP_URL", "https://shop")
    assert found.lookup("shop_url") == "https://shop"
    monkeypatch.setenv("ELT_SHOP_URL", "secret:millrace/state#absent")
    with pytest.raises(SettingsError, match=r"ELT_SHOP_URL: .*not a JSON object with the key 'absent'"):
        found.lookup("shop_url")  # which fails the source that asks, and no other
    assert aws.secret("millrace/state", "port") == "5433"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("secret:millrace/absent", ["millrace/absent", "cannot be read", "find"]),
        ("secret:millrace/text#password", ["millrace/text", "not a JSON object with the key 'password'"]),
        ("secret:millrace/list#password", ["millrace/list", "not a JSON object with the key 'password'"]),
        ("secret:millrace/object#passwort", ["millrace/object", "not a JSON object with the key 'passwort'"]),
        ("secret:millrace/object#empty", ["millrace/object", "not a JSON object with the key 'empty'"]),
        ("secret:millrace/bytes", ["millrace/bytes", "bytes"]),
        ("secret:millrace/bytes#password", ["millrace/bytes"]),
    ],
)
def test_a_secret_that_is_not_usable_ends_it_with_2_and_is_not_shown(on_aws, cloud, name, words):
    keep(cloud, "millrace/text", TEXT)
    keep(cloud, "millrace/list", json.dumps([TEXT]))
    keep(cloud, "millrace/object", json.dumps({"password": TEXT, "empty": None}))
    secrets = cloud.client("secretsmanager")
    if not any(item["Name"] == "millrace/bytes" for item in secrets.list_secrets()["SecretList"]):
        secrets.create_secret(Name="millrace/bytes", SecretBinary=TEXT.encode())
    with pytest.raises(aws.SecretError) as caught:
        on_aws(ELT_STATE_PASSWORD=name)
    assert caught.value.exit_code == 2 and all(word in str(caught.value) for word in words)
    assert TEXT not in str(caught.value) and caught.value.__cause__ is None


def test_a_secret_that_may_not_be_read_names_the_permission(on_aws, cloud):
    keep(cloud, "millrace/state", TEXT)
    cloud.fault("secretsmanager", "denied", times=-1)
    with pytest.raises(
        aws.SecretError, match=r"millrace/state.*the role needs secretsmanager:GetSecretValue"
    ) as caught:
        on_aws(ELT_STATE_PASSWORD="secret:millrace/state")
    cloud.calm()
    cloud.only(["s3:*"])
    with pytest.raises(aws.SecretError, match="secretsmanager:GetSecretValue"):
        on_aws(ELT_STATE_PASSWORD="secret:millrace/state")
    assert caught.value.exit_code == 2


def test_a_secret_is_asked_for_once_and_again_after_five_minutes(cloud, clock):
    keep(cloud, "millrace/changing", "old")
    assert [aws.secret("millrace/changing") for _ in range(3)] == ["old"] * 3
    keep(cloud, "millrace/changing", "new")
    clock.ahead = timedelta(minutes=4, seconds=50)
    assert aws.secret("millrace/changing") == "old"
    assert asked(cloud, "secretsmanager").count("GetSecretValue") == 1
    clock.ahead = timedelta(minutes=5, seconds=1)
    assert aws.secret("millrace/changing") == "new"
    keep(cloud, "millrace/changing", "newer")
    aws.forget()
    assert aws.secret("millrace/changing") == "newer"


# ---- logins

LOGINS = [
    ({"workgroup": "analytics", "cluster": "", "user": ""}, "redshift-serverless", "GetCredentials", "IAM:millrace"),
    ({"workgroup": "", "cluster": "c", "user": "loader"}, "redshift", "GetClusterCredentials", "IAM:loader"),
    ({"workgroup": "", "cluster": "c", "user": ""}, "redshift", "GetClusterCredentialsWithIAM", "IAM:millrace"),
]


@pytest.mark.parametrize(("how", "service", "operation", "user"), LOGINS)
def test_a_login_is_kept_until_shortly_before_its_end(on_aws, cloud, clock, how, service, operation, user):
    loaded = on_aws(**{f"ELT_REDSHIFT_{name.upper()}": value or None for name, value in how.items()})
    cloud.redshift_password = "first"
    assert loaded.redshift_login() == (user, "first")
    cloud.redshift_password = "second"
    clock.ahead = timedelta(minutes=54)
    assert loaded.redshift_login() == (user, "first") and asked(cloud, service) == [operation]
    clock.ahead = timedelta(minutes=56)
    assert loaded.redshift_login() == (user, "second") and asked(cloud, service) == [operation] * 2
    cloud.redshift_password = "third"
    aws.forget()
    assert loaded.redshift_login() == (user, "third")


@pytest.mark.parametrize(("how", "service", "operation", "_user"), LOGINS)
def test_a_login_that_is_refused_names_the_permission(cloud, how, service, operation, _user):
    cloud.fault(service, "denied", times=-1)
    with pytest.raises(aws.AwsError, match=f"no login to Redshift by IAM.* needs {service}:{operation}$") as caught:
        aws.redshift_credentials(**how)
    assert caught.value.exit_code == 4


def test_a_given_password_asks_nobody(on_aws, cloud):
    loaded = on_aws(ELT_REDSHIFT_WORKGROUP=None, ELT_REDSHIFT_USER="elt", ELT_REDSHIFT_PASSWORD="given")
    assert loaded.redshift_login() == ("elt", "given") and cloud.requests == []


# ---- words for refusals

OBJECT = {"Bucket": "lake", "Key": "k"}
CALLS = [
    ("s3", "list_objects_v2", {"Bucket": "lake"}, "s3:ListBucket"),
    ("s3", "head_bucket", {"Bucket": "lake"}, "s3:ListBucket"),
    ("s3", "head_object", OBJECT, "s3:GetObject"),
    ("s3", "get_object", OBJECT, "s3:GetObject"),
    ("s3", "put_object", OBJECT, "s3:PutObject"),
    ("s3", "create_multipart_upload", OBJECT, "s3:PutObject"),
    ("s3", "upload_part", OBJECT | {"UploadId": "u", "PartNumber": 1}, "s3:PutObject"),
    ("s3", "complete_multipart_upload", OBJECT | {"UploadId": "u"}, "s3:PutObject"),
    ("s3", "abort_multipart_upload", OBJECT | {"UploadId": "u"}, "s3:AbortMultipartUpload"),
    ("s3", "delete_object", OBJECT, "s3:DeleteObject"),
    ("s3", "delete_objects", {"Bucket": "lake", "Delete": {"Objects": [{"Key": "k"}]}}, "s3:DeleteObject"),
    ("s3", "copy_object", OBJECT | {"CopySource": "lake/k"}, "s3:PutObject"),
    ("glue", "get_databases", {}, "glue:GetDatabases"),
    ("glue", "update_table", {"DatabaseName": "d", "TableInput": {"Name": "t"}}, "glue:UpdateTable"),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}, "secretsmanager:GetSecretValue"),
]


@pytest.mark.parametrize(("service", "call", "arguments", "action"), CALLS)
def test_a_refusal_names_the_action_whatever_aws_says(cloud, service, call, arguments, action):
    for said in ("planned", "expired"):
        cloud.fault(service, "denied" if said == "planned" else "expired", times=-1)
        with pytest.raises(ClientError) as caught:
            getattr(aws.client(service), call)(**arguments)
        cloud.calm()
        told = aws.explain(caught.value, service)
        if said == "planned":
            assert told.endswith(f"; the role needs {action}")
        elif not call.startswith("head"):  # an answer to HEAD has no words
            assert told.startswith("the AWS credentials have expired") and told.endswith("renew them and run again")


def test_the_action_that_aws_itself_names_is_the_one_that_is_told():
    message = "User: arn:x is not authorized to perform: kms:GenerateDataKey on resource: arn:k"
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "PutObject")
    assert aws.explain(error, "s3").endswith("the role needs kms:GenerateDataKey")
    assert "AWS_PROFILE" in aws.explain(NoCredentialsError())
    assert aws.explain(ValueError("a\n  b")) == "a b"


# ---- settings


def test_all_that_target_aws_lacks_is_named_at_once(on_aws):
    with pytest.raises(SettingsError) as caught:
        on_aws(**dict.fromkeys(NEEDED))
    wanted = NEEDED.keys() - {"ELT_REDSHIFT_WORKGROUP"} | {"ELT_REDSHIFT_USER", "ELT_REDSHIFT_PASSWORD"}
    assert all(name in str(caught.value) for name in wanted) and caught.value.exit_code == 2
    for name in NEEDED.keys() - {"ELT_REDSHIFT_WORKGROUP"}:
        with pytest.raises(SettingsError) as caught:
            on_aws(**{name: None})
        assert [other for other in wanted if other in str(caught.value)] == [name] and TEXT not in str(caught.value)


@pytest.mark.parametrize("url", ["/lake", "gs://lake", "lake", "https://s3/lake"])
def test_the_lake_is_on_s3(on_aws, url):
    with pytest.raises(SettingsError, match=r"ELT_LAKE_URL.*must be s3://"):
        on_aws(ELT_LAKE_URL=url)
    assert on_aws(ELT_LAKE_URL="s3://lake/a/").landing == "s3://lake/a/landing"


# ---- objects


@pytest.mark.parametrize("key", [None, "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"])
def test_whatever_is_written_is_asked_to_be_encrypted(on_aws, cloud, tmp_path, key):
    loaded = on_aws(ELT_KMS_KEY=key)
    (tmp_path / "big").write_bytes(os.urandom(12 * MB))
    lake = storage(loaded)
    lake.pipe("lake/elt/piped", b"x")
    lake.put(str(tmp_path / "big"), "lake/elt/put")
    with lake.open("lake/elt/parts", "wb", block_size=5 * MB) as file:
        file.write((tmp_path / "big").read_bytes())
    pipe = dlt.pipeline(
        "written", destination=destination.lake(loaded), dataset_name="shop", pipelines_dir=str(tmp_path)
    )
    pipe.run([{"id": 1}], table_name="things", loader_file_format="parquet")
    pq.write_table(pa.table({"id": [1], "_load_id": ["1.5"]}), tmp_path / "rows.parquet")
    Silver(f"shop_{bool(key)}".lower(), loaded).write("things", [tmp_path / "rows.parquet"], ["1.5"])
    made = [r for r in cloud.requests if r.service == "s3" and (r.method == "PUT" or "uploads" in r.query)]
    whole = [r for r in made if "partNumber" not in r.query]
    written = {r.path for r in whole}
    assert {"lake/elt/piped", "lake/elt/put", "lake/elt/parts"} <= written and len(made) > len(whole)
    assert any("/landing/shop/things/" in path for path in written) and any("/silver/shop_" in path for path in written)
    for request in whole:
        assert request.headers.get("x-amz-server-side-encryption") == ("aws:kms" if key else "AES256"), request.path
        assert request.headers.get("x-amz-server-side-encryption-aws-kms-key-id") == key, request.path
    assert lake.cat("lake/elt/parts") == (tmp_path / "big").read_bytes()


# ---- the lake's listing


def put(key, size=1):
    """An object, past HTTP: tests put thousands."""
    s3_backends["123456789012"]["aws"].put_object("lake", f"elt/landing/{key}", b"x" * size)


def test_a_listing_begins_where_the_news_begins(on_aws, cloud):
    loads = [f"{1600000000 + n}.{n % 7}" for n in range(2500)]
    for load in loads:
        put(f"old/_dlt_loads/old__{load}.jsonl")
        put(f"old/things/{load}.abc.parquet")
    landing = Landing("old", on_aws())
    for asked_for, new in (({"after": loads[-3]}, loads[-2:]), ({"since": loads[-3]}, loads[-3:])):
        cloud.forget()
        assert landing.loads(**asked_for) == new
        assert [r.query["start-after"] for r in cloud.requests] == [f"elt/landing/old/_dlt_loads/old__{loads[-3]}"]
    cloud.forget()
    assert [file.load for file in landing.files("things", loads[-2:])] == loads[-2:]
    lists = [r.query for r in cloud.requests if "list-type" in r.query]
    assert len(lists) == 3  # whether the source is there, a table's shapes, its files
    assert lists[-1]["start-after"] == f"elt/landing/old/things/{loads[-2]}"
    cloud.forget()
    assert landing.loads() == loads and len(cloud.requests) == 3  # by the thousand


LOADS = st.one_of(  # as dlt makes them: a time in seconds as a float says itself, with one to seven digits
    st.integers(1599999998 * 10, 1600000003 * 10).map(lambda tenths: str(tenths / 10)),
    st.integers(1599999998 * 10**7, 1600000003 * 10**7).map(lambda parts: str(parts / 10**7)),
)
TABLES = st.sampled_from(["things", "thing", "things_more"])
SHAPES = st.sampled_from(["", "", "__1a2b3c4d", "__ffffffff"])
FILES = st.tuples(
    TABLES, SHAPES, LOADS, st.from_regex(r"[0-9a-f]{2,6}", fullmatch=True), st.sampled_from(["parquet", "jsonl"])
)
count = iter(range(10**6))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(FILES, max_size=12), committed=st.lists(LOADS, max_size=8), bound=LOADS, data=st.data())
def test_s3_finds_what_a_folder_finds(on_aws, tmp_path, files, committed, bound, data):
    source = f"s{next(count)}"
    there = on_aws()
    here = there.model_copy(update={"target": "local"})
    names = [f"{table}{shape}/{load}.{file}.{kind}" for table, shape, load, file, kind in files]
    names += [f"_dlt_loads/{source}__{load}.jsonl" for load in committed]
    for name in set(names):
        put(f"{source}/{name}", len(name))
        path = Path(here.landing, source, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(name))
    one, other = Landing(source, here), Landing(source, there)
    assert one.exists() == other.exists()
    some = data.draw(st.sets(st.sampled_from([*committed, *(f[2] for f in files), bound])))
    for asked_for in ({}, {"after": bound}, {"since": bound}):
        assert one.loads(**asked_for) == other.loads(**asked_for)
    for table in ("things", "thing", "absent"):
        for loads in (some, set(committed)):
            found = [
                [(f.load, f.path.partition(f"/landing/{source}/")[2], f.size) for f in landing.files(table, loads)]
                for landing in (one, other)
            ]
            assert found[0] == found[1]
            for _, path, size in found[0]:
                assert size == len(path)


# ---- silver stays small


def policy_of(bucket, prefix):
    """What Terraform lets the pipeline's role do in a bucket."""
    values = {
        "bucket_arn": f"arn:aws:s3:::{bucket}",
        "prefix": prefix,
        "drops_arn": "arn:aws:s3:::drops",
        "kms_key_arn": policy.KEY,
        "catalog_arn": f"arn:aws:glue:us-east-1:{policy.ACCOUNT}",
        "glue_prefix": "silver_",
        "workgroup_arn": policy.WORKGROUP,
        "secret_arns": [],
    }
    return policy.Policy(policy.render(policy.TEMPLATE, values))


@pytest.mark.nightly
def test_silver_is_kept_small_by_what_the_task_may_do(on_aws, cloud, tmp_path, monkeypatch):
    for name, value in {"KEPT": 2, "DUE": 4, "TOGETHER": 3, "GRACE": 0.0}.items():
        monkeypatch.setattr(tidy, name, value)
    there, sizes = on_aws(), []
    lake, silver = storage(there), Silver("meter", there)
    cloud.bound_by(policy_of("lake", "elt"))
    try:
        for number in range(1, 31):
            load = f"{1600000000 + number}.5"
            pq.write_table(pa.table({"id": [number], "_load_id": [load]}), tmp_path / "rows.parquet")
            silver.write("readings", [tmp_path / "rows.parquet"], [load])
            silver.tidy("readings")
            lake.invalidate_cache()
            sizes.append(len(lake.find("lake/elt/silver/meter")))
        whole = silver.tidy("readings", whole=True)
        assert whole["snapshots expired"] and whole["files removed"]
        assert silver_size(["meter", "never_ran"], there)[0] <= 4
    finally:
        cloud.bound_by(None)
    assert max(sizes[20:]) <= 1.3 * max(sizes[10:20]), sizes
    rows = silver.rows("readings", silver.loads("readings")).read_all()
    assert sorted(rows["id"].to_pylist()) == list(range(1, 31))
    with monkeypatch.context() as less:
        less.setattr(tidy, "DUE", 0)
        cloud.bound_by(policy.Policy(policy_of("lake", "elt").text.replace(', "s3:DeleteObject"]', "]")))
        pq.write_table(pa.table({"id": [31], "_load_id": ["1600000031.5"]}), tmp_path / "rows.parquet")
        silver.write("readings", [tmp_path / "rows.parquet"], ["1600000031.5"])
        with pytest.raises(PermissionError):  # the test would notice a permission that is missing
            silver.tidy("readings")
        cloud.bound_by(None)


@pytest.mark.parametrize("operation", ["CreateDatabase", "CreateTable", "GetTable", "UpdateTable", "DeleteTable"])
def test_what_lake_formation_refuses_is_not_said_to_be_a_permission_of_iam(operation):
    answer = {
        "Error": {
            "Code": "AccessDeniedException",
            "Message": "Insufficient Lake Formation permission(s): Required Describe on silver_taxi",
        }
    }
    told = aws.explain(ClientError(answer, operation), "glue")
    assert (
        "Required Describe on silver_taxi" in told
        and "its administrator grants the task's role CREATE_DATABASE" in told
    )
    assert "the role needs" not in told
