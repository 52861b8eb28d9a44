"""The script that runs a command in AWS: it waits, shows the log, and exits as the command did. Against moto's ECS."""

import json
import os
import shutil
import subprocess
import time

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ecs.models import ecs_backends
from moto.logs.models import logs_backends
from moto.server import ThreadedMotoServer

from tests import needs
from tests.harness import ROOT

pytestmark = pytest.mark.slow

REGION = "eu-west-1"
TOOL = "uv tool run --quiet --system-certs --from awscli==1.44.0 aws"
AWS = f'exec {TOOL} "$@"'
LOG = {"awslogs-group": "/millrace", "awslogs-region": REGION, "awslogs-stream-prefix": "task"}


def network_of_a_cluster(url):
    """Make the cluster and the task definition; returns the network of its tasks, as Terraform says it."""
    client = {"endpoint_url": url, "region_name": REGION, "aws_access_key_id": "a"}
    client["aws_secret_access_key"] = "b"
    ecs, ec2 = boto3.client("ecs", **client), boto3.client("ec2", **client)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    ecs.create_cluster(clusterName="millrace-dev")
    container = {
        "name": "pipeline",
        "image": "x",
        "memory": 512,
        "cpu": 256,
        "logConfiguration": {"logDriver": "awslogs", "options": LOG},
    }
    ecs.register_task_definition(
        family="millrace-dev-pipeline",
        containerDefinitions=[container],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
    )
    return f"awsvpcConfiguration={{subnets=[{subnet}],securityGroups=[{group}],assignPublicIp=DISABLED}}"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A moto account with a cluster and a task definition; AWS's command line; what Terraform would say of the stack."""
    folder = tmp_path_factory.mktemp("ecs")
    if not shutil.which("uv"):
        needs.lack(*needs.UV)
    (folder / "bin").mkdir()
    (folder / "bin" / "aws").write_text(f"#!/usr/bin/env bash\n{AWS}\n")
    (folder / "bin" / "aws").chmod(0o755)
    if subprocess.run([folder / "bin" / "aws", "--version"], capture_output=True, check=False).returncode:
        needs.lack("AWS's command line cannot be installed from the package index", f"see what `{TOOL}` says")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "TASK_POLL": "0",
        "STACK": str(folder / "stack.json"),
    }
    network = network_of_a_cluster(environment["AWS_ENDPOINT_URL"])
    (folder / "stack.json").write_text(
        json.dumps(
            {
                "cluster": "millrace-dev",
                "task_families": {"pipeline": "millrace-dev-pipeline"},
                "task_network": {"pipeline": network, "superset": network},
                "dashboards_address": None,
            }
        )
    )
    yield environment
    server.stop()


def script(environment, *arguments, **more):
    result = subprocess.run(
        ["bash", ROOT / ".github/scripts/ecs_task.sh", *arguments],
        env=environment | more,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def started(monkeypatch):
    """Every task that is started, with the exit code it is to end with and a line in its log."""
    backend = ecs_backends[DEFAULT_ACCOUNT_ID][REGION]
    logs = logs_backends[DEFAULT_ACCOUNT_ID][REGION]
    if "/millrace" not in logs.groups:
        logs.create_log_group("/millrace", {})
    tasks, ending, run = [], {"code": 0}, type(backend).run_task

    def run_task(self, *arguments, **named):
        made = run(self, *arguments, **named)
        for task in made:
            tasks.append(task)
            task.containers[0].exitCode = ending["code"]
            stream = f"task/pipeline/{task.task_arn.rpartition('/')[2]}"
            logs.create_log_stream("/millrace", stream)
            event = {"timestamp": int(time.time() * 1000), "message": "what the command said"}
            logs.put_log_events("/millrace", stream, [event])
        return made

    monkeypatch.setattr(type(backend), "run_task", run_task)
    return tasks, ending


def test_a_command_that_ends_well(environment, started):
    tasks, _ = started
    code, out, err = script(environment, "pipeline", "run", "sales", "--file", 's3://b/a "b".csv')
    assert code == 0, out + err
    assert out.startswith("millrace-dev-pipeline: run sales")
    assert "what the command said" in out
    [override] = tasks[-1].overrides["containerOverrides"]
    assert override == {"name": "pipeline", "command": ["run", "sales", "--file", 's3://b/a "b".csv']}


def test_a_command_that_fails_fails_the_step_with_its_own_code(environment, started):
    _, ending = started
    ending["code"] = 4
    code, _, err = script(environment, "pipeline", "doctor")
    assert code == 4
    assert "doctor ended with 4" in err


def test_a_command_that_never_ends_is_stopped(environment, started):
    code, _, err = script(environment, "pipeline", "serve", TASK_TIMEOUT="-1")
    assert code == 124
    assert "TASK_TIMEOUT" in err


def test_an_environment_without_superset_has_no_dashboards_to_import(environment):
    code, out, _ = script(environment, "superset", "dashboards", "import")
    assert code == 0
    assert "left out" in out


def test_what_the_stack_does_not_have_is_said(environment):
    code, _, err = script(environment, "nobody", "run")
    assert code == 1
    assert "the stack has no ['task_families', 'nobody']" in err
