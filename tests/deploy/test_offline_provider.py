"""The stand-in for Terraform's AWS provider: it is used where it must be, knows what is used, and refuses what is wrong."""

import json
import shutil
import socket

import pytest

from tests import needs
from tests.deploy import terraform
from tests.deploy.offline_provider import schema
from tests.deploy.offline_provider.values import policy_document
from tests.harness import ROOT, run_pytest
from tests.web import serve

UNKNOWN = 'resource "aws_lightsail_instance" "x" {}\ndata "aws_ip_ranges" "y" {}\n'
VERSIONS = 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'


def test_every_type_of_our_terraform_is_known():
    schema.require_known(ROOT / "terraform")


def test_the_schema_holds_no_more_than_what_is_used():
    kinds = {key: kind for kind, key in schema.KINDS.items()}
    held = {(kinds[key], name) for key, types in schema.load().items() if key in kinds for name in types}
    assert held == schema.find_types(ROOT / "terraform")


def test_a_type_that_is_not_known_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "main.tf").write_text(UNKNOWN)
    with pytest.raises(schema.UnknownType) as refused:
        schema.require_known(tmp_path)
    text = str(refused.value)
    assert "data aws_ip_ranges, resource aws_lightsail_instance" in text
    assert "providers schema -json > dump.json && python -m tests.deploy.offline_provider.schema dump.json" in text
    with pytest.raises(schema.UnknownType, match="aws_ip_ranges"):
        empty = {"provider": {"block": {}}, **{key: {} for key in schema.KINDS.values()}}
        schema.cut({"provider_schemas": {schema.PROVIDER: empty}}, {("data", "aws_ip_ranges")})


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"actions": ["s3:Get"], "resources": ["*"]}, {"Effect": "Allow", "Action": "s3:Get", "Resource": "*"}),
        (
            {"effect": "Deny", "not_actions": ["b", "a"], "not_resources": ["r"], "sid": "S"},
            {"Sid": "S", "Effect": "Deny", "NotAction": ["a", "b"], "NotResource": "r"},
        ),
        (
            {"principals": [{"type": "Service", "identifiers": ["x"]}]},
            {"Effect": "Allow", "Principal": {"Service": "x"}},
        ),
        ({"not_principals": [{"type": "*", "identifiers": ["*"]}]}, {"Effect": "Allow", "NotPrincipal": "*"}),
        (
            {
                "condition": [
                    {"test": "Bool", "variable": "a", "values": ["1"]},
                    {"test": "Bool", "variable": "b", "values": ["2", "3"]},
                ]
            },
            {"Effect": "Allow", "Condition": {"Bool": {"a": "1", "b": ["2", "3"]}}},
        ),
    ],
)
def test_a_policy_document_is_written_as_aws_reads_it(statement, expected):
    assert json.loads(policy_document({"statement": [statement]}))["Statement"] == [expected]


@pytest.fixture
def asked(monkeypatch):
    """Ask again whether the registry can be reached, of given addresses."""

    def ask(*urls):
        monkeypatch.setattr(terraform, "HOSTS", urls)
        monkeypatch.setattr(terraform, "TIMEOUT", 0.3)
        return terraform.reach_registry.__wrapped__()

    return ask


def test_the_real_provider_is_used_only_where_both_its_servers_answer(asked):
    with (
        serve(lambda request: (int(request.path[1:]), {}, b"")) as url,
        socket.create_server(("127.0.0.1", 0)) as silent,  # takes the connection and never answers
    ):
        good, bad = f"{url}/200", f"{url}/403"
        never = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert asked(good, good)
        assert not any(asked(*pair) for pair in ((good, bad), (bad, good), (never, good), (good, never)))
        assert not asked(good, "https://no-such-host.invalid/")


@pytest.mark.slow
def test_without_terraform_its_tests_are_skipped_and_the_last_line_says_so(tmp_path):
    for name in ("bash", "git"):
        (tmp_path / name).symlink_to(shutil.which(name))
    tests = ["tests/deploy/test_terraform.py", "-k", "valid or formatted"]
    done = run_pytest(tmp_path, "-n", "0", *tests, PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        f"Not run here: 2 tests: {needs.TERRAFORM[0]}; to run them: {needs.TERRAFORM[1]}"
        in done.stdout.splitlines()[-2:]
    )


# -- with Terraform itself --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_unknown_type_stops_terraform_before_it_starts(tmp_path):
    checkout = terraform.Checkout(tmp_path, offline=True)
    (checkout.terraform / "modules" / "lake" / "more.tf").write_text(UNKNOWN)
    with pytest.raises(schema.UnknownType, match="aws_lightsail_instance"):
        checkout.initialised(checkout.terraform / "modules" / "lake")


@pytest.mark.slow
def test_what_terraform_prints_of_the_provider_is_the_schema_again(tmp_path):
    """So the command that adds a type to the schema reads what Terraform writes."""
    checkout = terraform.Checkout(tmp_path, offline=True)
    folder = checkout.initialised(checkout.terraform / "modules" / "lake")
    printed = checkout(folder, "providers", "schema", "-json")
    assert printed.returncode == 0, printed.stderr
    cut = schema.cut(json.loads(printed.stdout), schema.find_types(ROOT / "terraform"))
    assert cut == schema.load()
    assert schema.write(cut) == schema.PATH.read_text()


FAULTS = {
    "an argument that is not there": ('resource "aws_sns_topic" "x" {\n  colour = "red"\n}', "Unsupported argument"),
    "a required argument left out": (
        'resource "aws_sns_topic_policy" "x" {\n  arn = "a"\n}',
        "Missing required argument",
    ),
    "a value of the wrong type": ('resource "aws_s3_bucket" "x" {\n  force_destroy = ["a"]\n}', "bool required"),
    "a block too many": (
        'resource "aws_ecs_service" "x" {\n  name = "a"\n'
        + "  network_configuration {\n    subnets = []\n  }\n" * 2
        + "}",
        "No more than 1",
    ),
    "a policy that is not JSON": (
        'resource "aws_sns_topic_policy" "x" {\n  arn    = "a"\n  policy = "{"\n}',
        "invalid JSON",
    ),
    "a value that AWS decides": ('resource "aws_sns_topic" "x" {\n  arn = "a"\n}', "decided automatically"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_refused(fault, tmp_path):
    checkout = terraform.Checkout(tmp_path, offline=True)
    folder = checkout.terraform / "modules" / "planted"
    folder.mkdir()
    text, refusal = FAULTS[fault]
    (folder / "versions.tf").write_text(VERSIONS)
    (folder / "main.tf").write_text(f"{text}\n")
    done = checkout(checkout.initialised(folder), "validate")
    assert done.returncode == 1 and refusal in done.stdout + done.stderr, done.stdout + done.stderr
