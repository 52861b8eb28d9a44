"""The tasks that Terraform declares know the settings that the code asks for, under the names that the code knows."""

import re

import pytest

import settings
from superset import door
from tests.harness import ROOT

VALUES = {
    "ELT_DASHBOARDS_META_URL": "postgresql://u:p@host/db",
    "ELT_POSTGRES_URL": "postgresql://u:p@host/db",
    "ELT_REDSHIFT_ROLE": "arn:aws:iam::1:role/r",
    "ELT_REDSHIFT_SERVING": "serving",
    "ELT_LAKE_URL": "s3://bucket/elt",
    "ELT_ALERT_URLS": "json://host",
    "ELT_MEMORY": "2048MB",
    "ELT_BOOTSTRAP_SPECTRUM": "true",
}
MODULES = ROOT / "terraform" / "modules"
NAMED = re.compile(r"\b(ELT_[A-Z_]+)\s*=")
KNOWN = {f"ELT_{name.upper()}" for kind in (settings.Settings, settings.Bootstrap) for name in kind.model_fields}


def block(path, begin):
    """The names that stand in a block of a file."""
    text = path.read_text()
    start = text.index(begin)
    return NAMED.findall(text[start : text.index("\n  }\n", start)])


@pytest.fixture
def only(monkeypatch, tmp_path):
    """An environment of these variables of ours and no other."""

    def set_to(names, **values):
        for name in KNOWN:
            monkeypatch.delenv(name, raising=False)
        for name in names:
            value = "5432" if name.endswith("_PORT") else "x" * 40
            monkeypatch.setenv(name, (VALUES | values).get(name, value))
        monkeypatch.setenv("ELT_TARGET", "aws")
        monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path))

    return set_to


def test_no_task_is_given_a_setting_that_nothing_reads():
    named = {name for path in MODULES.glob("*/*.tf") for name in NAMED.findall(path.read_text())}
    assert named - KNOWN == set() and len(named) > 20


def test_the_pipeline_is_complete_with_what_its_task_is_given(only):
    names = block(MODULES / "pipeline" / "tasks.tf", "connections = {")
    only(names)
    assert settings.load().aws
    only([name for name in names if name != "ELT_STATE_HOST"])
    with pytest.raises(settings.SettingsError, match="ELT_STATE_HOST"):
        settings.load()


def test_superset_is_complete_without_the_pipeline_s_secrets(only):
    names = block(MODULES / "superset" / "service.tf", "environment = {")
    assert not {name for name in names if name.startswith(("ELT_STATE", "ELT_LAKE", "ELT_PII", "ELT_POSTGRES"))}
    only(names)
    assert door.environment(settings.load_dashboards())["SUPERSET_HTTPS"] == "1"


def test_the_bootstrap_is_complete_with_what_its_task_is_given(only, monkeypatch, tmp_path):
    only(block(MODULES / "pipeline" / "tasks.tf", "bootstrap_environment = {"))
    (tmp_path / "authorities.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.setenv("ELT_CA_FILE", str(tmp_path / "authorities.pem"))  # the image brings its own
    assert settings.load_bootstrap().bootstrap_prefix
