"""The cloud of the tests keeps its promises to the clients the project uses."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
import s3fs
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError
from pyarrow.fs import S3FileSystem
from pyiceberg.catalog import load_catalog
from pyiceberg.expressions import EqualTo

from tests.aws.cloud import Cloud

MB = 1 << 20


@pytest.fixture(scope="module")
def running():
    with Cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(running):
    """The running cloud, calm, with a bucket `lake`."""
    running.calm()
    running.release()
    running.only(None)
    s3 = running.client("s3")
    s3.create_bucket(Bucket="lake")
    while found := s3.list_objects_v2(Bucket="lake").get("Contents"):
        s3.delete_objects(Bucket="lake", Delete={"Objects": [{"Key": one["Key"]} for one in found]})
    running.forget()
    return running


def s3_files(cloud, **more):
    keys = cloud.kwargs
    s3fs.S3FileSystem.clear_instance_cache()
    return s3fs.S3FileSystem(
        endpoint_url=cloud.endpoint,
        key=keys["aws_access_key_id"],
        secret=keys["aws_secret_access_key"],
        client_kwargs={"region_name": keys["region_name"]},
        use_listings_cache=False,
        **more,
    )


def bare(cloud, method, path, **more):
    """The status of a request by no AWS client at all."""
    connection = http.client.HTTPConnection(cloud.endpoint.removeprefix("http://"))
    connection.request(method, path, **more)
    return connection.getresponse().status


def asked(cloud):
    return [f"{r.service} {r.method} {r.path}" for r in cloud.requests]


def code(caught):
    return caught.value.response["Error"]["Code"]


def keys(cloud):
    return sorted(one["Key"] for one in cloud.client("s3").list_objects_v2(Bucket="lake").get("Contents", []))


def test_a_multipart_upload_of_boto3_arrives_whole(cloud, tmp_path):
    content = os.urandom(20 * MB)
    (tmp_path / "big").write_bytes(content)
    s3 = cloud.client("s3")
    s3.upload_file(str(tmp_path / "big"), "lake", "a b/ü=1/big", Config=TransferConfig(multipart_chunksize=8 * MB))
    parts = [r for r in cloud.requests if "partNumber" in r.query]
    assert len(parts) == 3 and {r.path for r in parts} == {"lake/a b/ü=1/big"} and {r.status for r in parts} == {200}
    assert s3.get_object(Bucket="lake", Key="a b/ü=1/big")["Body"].read() == content
    assert parts[0].service == "s3" and "authorization" in parts[0].headers
    cloud.forget()
    assert not cloud.requests


def test_s3fs_puts_pipes_and_gets(cloud, tmp_path):
    files, content = s3_files(cloud), os.urandom(12 * MB)
    (tmp_path / "here").write_bytes(content)
    files.put(str(tmp_path / "here"), "lake/put")
    files.pipe("lake/pipe", b"text")
    with files.open("lake/written", "wb", block_size=5 * MB) as file:
        file.write(content)
    files.get("lake/put", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content == files.cat("lake/written")
    assert files.cat("lake/pipe") == b"text"
    assert sorted(files.ls("lake")) == ["lake/pipe", "lake/put", "lake/written"]
    files.copy("lake/pipe", "lake/copy")
    files.rm("lake/pipe")
    assert keys(cloud) == ["copy", "put", "written"]


def test_pyarrow_reads_and_writes(cloud):
    files = S3FileSystem(
        access_key=cloud.kwargs["aws_access_key_id"],
        secret_key=cloud.kwargs["aws_secret_access_key"],
        endpoint_override=cloud.endpoint.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
    )
    content = os.urandom(11 * MB)
    with files.open_output_stream("lake/arrow") as file:
        file.write(content)
    with files.open_input_file("lake/arrow") as file:
        assert file.read() == content
    assert [info.path for info in files.get_file_info(["lake/arrow"])] == ["lake/arrow"]


def test_iceberg_tables_in_glue(cloud):
    keys = cloud.kwargs
    catalog = load_catalog(
        "silver",
        **{
            "type": "glue",
            "glue.endpoint": cloud.endpoint,
            "glue.region": "us-east-1",
            "glue.access-key-id": keys["aws_access_key_id"],
            "glue.secret-access-key": keys["aws_secret_access_key"],
            "s3.endpoint": cloud.endpoint,
            "s3.region": "us-east-1",
            "s3.access-key-id": keys["aws_access_key_id"],
            "s3.secret-access-key": keys["aws_secret_access_key"],
            "warehouse": "s3://lake/silver",
            "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO",
        },
    )
    catalog.create_namespace("taxi")
    rows = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", "b", "c"]})
    table = catalog.create_table("taxi.zones", schema=rows.schema)
    table.append(rows)
    table.delete(EqualTo("id", 2))
    assert catalog.load_table("taxi.zones").scan().to_arrow().to_pylist() == [
        {"id": 1, "name": "a"},
        {"id": 3, "name": "c"},
    ]
    assert "glue POST CreateTable" in asked(cloud) and "glue POST UpdateTable" in asked(cloud)
    cloud.fault("glue POST UpdateTable", "denied")
    with pytest.raises(ClientError) as caught:
        table.refresh().append(rows)
    assert code(caught) == "AccessDeniedException"
    assert len(catalog.load_table("taxi.zones").scan().to_arrow()) == 2


def test_a_child_process_finds_this_cloud_by_its_environment(cloud):
    program = "import boto3; boto3.client('s3').put_object(Bucket='lake', Key='child', Body=b'x')"
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | cloud.environment
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert keys(cloud) == ["child"]


def test_the_other_services_answer_and_the_password_is_the_test_s(cloud):
    assert cloud.client("sts").get_caller_identity()["Account"]
    assert cloud.client("iam").list_roles()["Roles"] == []
    key = cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]
    assert cloud.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name="elt", SecretString="s")
    assert secrets.get_secret_value(SecretId="elt")["SecretString"] == "s"
    cloud.redshift_password = "p<&>w"
    serverless = cloud.client("redshift-serverless").get_credentials(workgroupName="elt", dbName="dev")
    assert (serverless["dbUser"], serverless["dbPassword"]) == ("IAM:millrace", "p<&>w")
    left = serverless["expiration"].timestamp() - time.time()
    assert 3500 < left < 3700
    cluster = cloud.client("redshift").get_cluster_credentials(DbUser="loader", ClusterIdentifier="c")
    assert (cluster["DbUser"], cluster["DbPassword"]) == ("IAM:loader", "p<&>w") and cluster["Expiration"].tzinfo
    with_iam = cloud.client("redshift").get_cluster_credentials_with_iam(ClusterIdentifier="c")
    assert (with_iam["DbUser"], with_iam["DbPassword"]) == ("IAM:millrace", "p<&>w")
    assert asked(cloud)[-3:] == [
        "redshift-serverless POST GetCredentials",
        "redshift POST GetClusterCredentials",
        "redshift POST GetClusterCredentialsWithIAM",
    ]


def test_slow_down_is_tried_again_by_the_client(cloud):
    cloud.fault("s3 PUT lake/one", "slow_down", times=2)
    cloud.client("s3").put_object(Bucket="lake", Key="one", Body=b"x")
    assert [r.status for r in cloud.requests] == [503, 503, 200]


@pytest.mark.parametrize(
    ("kind", "s3", "in_json", "in_query"),
    [
        ("expired", "ExpiredToken", "ExpiredTokenException", "ExpiredToken"),
        ("denied", "AccessDenied", "AccessDeniedException", "AccessDenied"),
    ],
)
def test_errors_come_in_each_protocol_s_words(cloud, kind, s3, in_json, in_query):
    cloud.fault("", kind, times=-1)
    for service, call, arguments, expected in (
        ("s3", "put_object", {"Bucket": "lake", "Key": "one", "Body": b"x" * 6 * MB}, s3),
        ("glue", "get_databases", {}, in_json),
        ("secretsmanager", "get_secret_value", {"SecretId": "elt"}, in_json),
        ("redshift-serverless", "get_credentials", {"dbName": "dev"}, in_json),
        ("sts", "get_caller_identity", {}, in_query),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(cloud.client(service), call)(**arguments)
        assert code(caught) == expected
    cloud.calm()
    assert keys(cloud) == []


def test_a_fault_waits_for_its_turn(cloud):
    cloud.fault(r"s3 GET lake\?.*prefix=a b", "error", after=1)
    s3 = cloud.client("s3")
    for prefix in ("a b", "c", "a b", "a b"):
        s3.list_objects_v2(Bucket="lake", Prefix=prefix)
    assert [r.status for r in cloud.requests] == [200, 200, 500, 200, 200]
    with pytest.raises(ValueError, match="no such fault"):
        cloud.fault("", "smoke")


def test_a_request_hangs_until_it_is_released(cloud):
    cloud.fault("s3 PUT lake/slow", "hang")
    upload = threading.Thread(target=cloud.client("s3").put_object, kwargs={"Bucket": "lake", "Key": "slow"})
    upload.start()
    assert cloud.waiting.wait(10)
    assert keys(cloud) == [] and cloud.requests[0].status == 0
    cloud.release()
    upload.join(10)
    assert keys(cloud) == ["slow"] and not cloud.waiting.is_set() and cloud.requests[0].status == 200


def test_a_request_whose_client_died_while_it_hung_is_not_done(cloud):
    cloud.fault("s3 PUT lake/slow", "hang")
    program = "import boto3; boto3.client('s3').put_object(Bucket='lake', Key='slow', Body=b'x')"
    child = subprocess.Popen([sys.executable, "-c", program], env=os.environ | cloud.environment)
    assert cloud.waiting.wait(20)
    child.kill()
    child.wait()
    cloud.release()
    time.sleep(0.1)
    assert keys(cloud) == []


def test_half_a_body_is_not_an_object(cloud):
    with socket.create_connection(("127.0.0.1", int(cloud.endpoint.rpartition(":")[2]))) as connection:
        connection.sendall(b"PUT /lake/half HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n12345")
    with socket.create_connection(("127.0.0.1", int(cloud.endpoint.rpartition(":")[2]))) as connection:
        connection.sendall(b"PUT /lake/half HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n")
    time.sleep(0.1)
    assert keys(cloud) == []


def test_chunks_and_expectations_pass(cloud):
    assert bare(cloud, "PUT", "/lake/chunked", body=iter([b"one ", b"two"]), encode_chunked=True) == 200
    cloud.client("s3").upload_file(__file__, "lake", "expected")
    assert "100-continue" in cloud.requests[-1].headers.get("expect", "").lower()
    assert cloud.client("s3").get_object(Bucket="lake", Key="chunked")["Body"].read() == b"one two"


def test_an_answer_is_cut_in_half(cloud):
    s3 = cloud.client("s3")
    s3.put_object(Bucket="lake", Key="one", Body=b"x" * 1000)
    cloud.fault("s3 GET lake/one", "cut")
    with pytest.raises(HTTPClientError, match="IncompleteRead"):
        s3.get_object(Bucket="lake", Key="one")["Body"].read()
    assert s3_files(cloud).cat("lake/one") == b"x" * 1000
    cloud.fault("s3 (PUT|DELETE) lake/two", "cut", times=-1)
    with pytest.raises(ConnectionClosedError):
        once = Config(retries={"total_max_attempts": 1})
        cloud.client("s3", config=once).put_object(Bucket="lake", Key="two", Body=b"x")
    assert keys(cloud) == ["one", "two"]


def test_only_what_is_allowed_goes_through(cloud):
    s3 = cloud.client("s3")
    s3.put_object(Bucket="lake", Key="one", Body=b"x")
    cloud.only(["s3:getobject", "glue:Get*"])
    assert s3.get_object(Bucket="lake", Key="one")["Body"].read() == b"x"
    assert cloud.client("glue").get_databases()["DatabaseList"] is not None
    assert cloud.client("sts").get_caller_identity()["Account"]
    for service, call, arguments, action in (
        ("s3", "put_object", {"Bucket": "lake", "Key": "two", "Body": b"x"}, "s3:PutObject"),
        ("s3", "copy_object", {"Bucket": "lake", "Key": "two", "CopySource": "lake/one"}, "s3:PutObject"),
        ("s3", "create_multipart_upload", {"Bucket": "lake", "Key": "two"}, "s3:PutObject"),
        ("s3", "abort_multipart_upload", {"Bucket": "lake", "Key": "two", "UploadId": "u"}, "s3:AbortMultipartUpload"),
        ("s3", "list_parts", {"Bucket": "lake", "Key": "two", "UploadId": "u"}, "s3:ListMultipartUploadParts"),
        ("s3", "delete_object", {"Bucket": "lake", "Key": "one"}, "s3:DeleteObject"),
        ("s3", "delete_objects", {"Bucket": "lake", "Delete": {"Objects": [{"Key": "one"}]}}, "s3:DeleteObject"),
        ("s3", "list_objects_v2", {"Bucket": "lake"}, "s3:ListBucket"),
        ("s3", "get_object", {"Bucket": "lake", "Key": "missing"}, "s3:ListBucket"),
        ("s3", "list_multipart_uploads", {"Bucket": "lake"}, "s3:ListBucketMultipartUploads"),
        ("s3", "get_bucket_location", {"Bucket": "lake"}, "s3:GetBucketLocation"),
        ("s3", "get_bucket_encryption", {"Bucket": "lake"}, "s3:GetEncryptionConfiguration"),
        ("s3", "create_bucket", {"Bucket": "other"}, "s3:CreateBucket"),
        ("s3", "list_buckets", {}, "s3:ListAllMyBuckets"),
        ("glue", "create_database", {"DatabaseInput": {"Name": "d"}}, "glue:CreateDatabase"),
        ("kms", "list_keys", {}, "kms:ListKeys"),
        ("secretsmanager", "get_secret_value", {"SecretId": "elt"}, "secretsmanager:GetSecretValue"),
        ("redshift-serverless", "get_credentials", {"dbName": "dev"}, "redshift-serverless:GetCredentials"),
        (
            "redshift",
            "get_cluster_credentials",
            {"DbUser": "u", "ClusterIdentifier": "c"},
            "redshift:GetClusterCredentials",
        ),
        (
            "redshift",
            "get_cluster_credentials_with_iam",
            {"ClusterIdentifier": "c"},
            "redshift:GetClusterCredentialsWithIAM",
        ),
    ):
        with pytest.raises(ClientError, match=f"not authorized to perform: {action} ") as caught:
            getattr(cloud.client(service), call)(**arguments)
        assert code(caught).startswith("AccessDenied")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    cloud.only(["*"])
    assert keys(cloud) == ["one"]
    cloud.only(["s3:PutObject", "s3:GetObjectT?gging"])
    with pytest.raises(ClientError, match="s3:GetObject "):
        s3.copy_object(Bucket="lake", Key="two", CopySource="lake/one")
    assert s3.get_object_tagging(Bucket="lake", Key="one")["TagSet"] == []


def test_an_unsigned_request_is_told_from_a_signed_one(cloud):
    cloud.only(["s3:*"])
    assert bare(cloud, "GET", "/lake/one") == 403 and cloud.requests[-1].service == "unsigned"
    s3 = cloud.client("s3", config=Config(signature_version="s3v4"))
    address = s3.generate_presigned_url("put_object", {"Bucket": "lake", "Key": "signed"})
    assert (
        bare(cloud, "PUT", address.removeprefix(cloud.endpoint), body=b"x") == 200
        and cloud.requests[-1].path == "lake/signed"
    )


def test_nothing_is_printed_and_closing_lets_go_of_what_hangs(capfd):
    with Cloud() as cloud:
        assert cloud.client("s3").list_buckets()["Buckets"] == []
        cloud.fault("", "hang", times=-1)
        asking = ThreadPoolExecutor(1).submit(bare, cloud, "GET", "/")
        assert cloud.waiting.wait(10)
    assert isinstance(asking.exception(10), OSError)
    assert capfd.readouterr() == ("", "")
