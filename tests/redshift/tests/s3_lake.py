"""S3 and Glue for COPY, UNLOAD and external schemas: moto's server in a process of its own, whose state nobody shares."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3

BUCKET = "lake-of-tests"
ROLE = "arn:aws:iam::123456789012:role/copy"
_SERVER = """
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
input()  # until its parent has gone
"""


@contextlib.contextmanager
def serve_s3() -> Iterator[dict[str, Any]]:
    """Serve an S3 with a bucket; yields what boto3's clients want."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        found = {
            "endpoint_url": f"http://127.0.0.1:{int(process.stdout.readline())}",
            "region_name": "us-east-1",
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
        }
        boto3.client("s3", **found).create_bucket(Bucket=BUCKET)
        yield found
        process.kill()
