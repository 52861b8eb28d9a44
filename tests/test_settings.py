"""A setting that cannot be used is refused before anything happens: by name, place and fix, and never by its value."""

import os
import re
import shutil

import duckdb
import pytest

import settings as configuration
from demo.folder import SOURCES
from foundation.environment import names_of_sources, read_file
from foundation.setting_types import _size
from settings import Bootstrap, Dashboards, Settings, SettingsError
from tests import forks, harness
from tests.harness import ROOT
from tests.needs import removed_samples

VALUE = "Zq7xSecret"  # in every wrong value: it must never be shown
ADDRESSES = [
    VALUE,
    f"postgresql://me:{VALUE}/x@host/db",
    f"mysql://{VALUE}@host/db",
    f"postgresql://me:{VALUE}@host:port/db",
    "postgresql://",
]
WRONG = {
    "ELT_TARGET": [VALUE, "AWS", "local "],
    "ELT_NOW": [VALUE, "2020", "5", "1580428800", "20200131", "2020-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31"],
    "ELT_MEMORY": [VALUE, "lots", "2", "80%", "-1GB", "0GB", "1KB", "1PB", "none", "99999999999TB", "GB"],
    "ELT_RETRY_PACE": [VALUE, "-1", "nan", "inf", "1e308", "1,5"],
    "ELT_READERS": [VALUE, "0", "-1", "1.5", "10000"],
    "ELT_WAREHOUSE_WAIT": [VALUE, "-1", "nan", "inf", "1e308", "1,5"],
    "ELT_DATA_DIR": ["settings.py", "settings.py/below", "/dev/null", ".", "superset", "~nosuchuser/data"],
    "ELT_DEMO_DATA_DIR": ["settings.py", ".", "~nosuchuser/data"],
    "ELT_ALERT_URLS": [VALUE, f"me:{VALUE}@example.com"],
    "ELT_POSTGRES_URL": ADDRESSES,
    "ELT_DASHBOARDS_META_URL": [VALUE, f"postgresql://me:{VALUE}@host:port/db"],
    "ELT_DASHBOARDS_SECRET_KEY": [VALUE],
    "ELT_LAKE_URL": [VALUE, "gs://bucket", "s3://", "s3://bucket/a b"],
    "ELT_GLUE_PREFIX": ["Silver_", "a-b", "a b"],
    "ELT_REDSHIFT_HOST": [f"https://{VALUE}", f"{VALUE}:5439", f"{VALUE}/x"],
    "ELT_REDSHIFT_PORT": [VALUE, "0", "70000", "5439.5"],
    "ELT_REDSHIFT_ROLE": [VALUE, "arn:aws:iam::12:user/me"],
    "ELT_STATE_HOST": [f"postgresql://{VALUE}", f"{VALUE}:5432"],
    "ELT_STATE_PORT": [VALUE, "-5"],
    "ELT_CA_FILE": [f"/nowhere/{VALUE}.pem", "/tmp", "settings.py"],
}
ANY_TEXT = {
    "ELT_PII_SALT",
    "ELT_DASHBOARDS_ADMIN_PASSWORD",
    "ELT_DASHBOARDS_USER",
    "ELT_DASHBOARDS_PASSWORD",
    "ELT_KMS_KEY",
    "ELT_REDSHIFT_DATABASE",
    "ELT_REDSHIFT_SERVING",
    "ELT_REDSHIFT_WORKGROUP",
    "ELT_REDSHIFT_CLUSTER",
    "ELT_REDSHIFT_USER",
    "ELT_REDSHIFT_PASSWORD",
    "ELT_STATE_USER",
    "ELT_STATE_PASSWORD",
    "ELT_STATE_DATABASE",
}
"""Settings of which only the system that they are for can say whether they are right."""


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in [name for name in os.environ if name.startswith("ELT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return harness.checkout(tmp_path_factory.mktemp("settings") / "millrace")


def runner(checkout, *arguments, **environment):
    given = {"PATH": "/usr/bin:/bin", "ELT_DATA_DIR": str(checkout / "data"), **environment}
    return forks.run(["runner.py", *arguments], checkout, given)


def names(*kinds):
    return {f"ELT_{name.upper()}" for kind in kinds for name in kind.model_fields}


def test_every_setting_has_its_wrong_values_or_is_known_to_have_none():
    assert names(Settings, Dashboards) == WRONG.keys() | ANY_TEXT


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
@pytest.mark.parametrize("load", [configuration.load, configuration.load_dashboards])
def test_a_wrong_value_is_refused_in_one_line_that_names_it_and_does_not_show_it(name, value, load, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    said = str(caught.value)
    assert f"{name} (in the environment): " in said and "\n" not in said and VALUE not in said
    assert caught.value.exit_code == 2 and len(said) < 300


def test_values_that_are_right_are_taken(monkeypatch, tmp_path):
    right = {
        "ELT_MEMORY": "1.5 GiB",
        "ELT_NOW": "2020-01-31",
        "ELT_DATA_DIR": str(tmp_path / "not" / "yet"),
        "ELT_RETRY_PACE": "0",
        "ELT_POSTGRES_URL": "postgres://me:a%2Fb@one:5432,two:5433/db",
        "ELT_ALERT_URLS": "mailto://a@b.c, json://x?to=a,b",
        "ELT_LAKE_URL": "s3://bucket/a/b",
        "ELT_GLUE_PREFIX": "",
        "ELT_CA_FILE": "",
    }
    for name, value in right.items():
        monkeypatch.setenv(name, value)
    found = configuration.load()
    assert found.memory == "1.5 GiB" and found.data == tmp_path / "not" / "yet" and found.clock().day == 31
    assert found.glue_prefix == "silver_" and found.ca_file is None  # empty is not set
    assert not (tmp_path / "not").exists()
    monkeypatch.setenv("ELT_DATA_DIR", "~/data")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert configuration.load().data == tmp_path / "data"


@pytest.mark.parametrize(
    "text", ["64MB", "2GB", "2 GB", "2gb", "2G", "512MiB", "0.5GB", "1.125tb", "100000KB", "9999999TB", "67108864B"]
)
def test_duckdb_takes_every_size_that_is_taken_here(text):
    try:
        size = _size(text)
    except ValueError:
        assert text == "67108864B"  # longer than a size that a person writes
        return
    with duckdb.connect(config={"memory_limit": size}) as con:
        assert con.execute("SELECT count(*) FROM range(1000)").fetchall() == [(1000,)]


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ELT_DATADIR", "ELT_DATA_DIR"),
        ("ELT_DATA_DIRS", "ELT_DATA_DIR"),
        ("ELT_MEMROY", "ELT_MEMORY"),
        ("elt_memory", "ELT_MEMORY"),
        ("Elt_Target", "ELT_TARGET"),
        pytest.param("ELT_SALES_FILE", "ELT_SALES_FILES", marks=pytest.mark.samples),
        ("ELT_POSTGRESURL", "ELT_POSTGRES_URL"),
        ("ELT_BOOTSTRAP_PREFIXES", "ELT_BOOTSTRAP_PREFIX"),
        ("ELT_DASHBOARD_USER", "ELT_DASHBOARDS_USER"),
    ],
)
@pytest.mark.parametrize("load", [configuration.load, configuration.load_dashboards, configuration.load_bootstrap])
def test_an_unknown_name_is_refused_with_the_nearest_one(name, near, load, monkeypatch):
    monkeypatch.setenv(name, VALUE)
    with pytest.raises(
        SettingsError, match=rf"{name} \(in the environment\) is not a setting.*did you mean {near}\?"
    ) as caught:
        load()
    assert VALUE not in str(caught.value)


def test_a_name_that_is_near_to_none_says_where_names_are_listed(monkeypatch):
    monkeypatch.setenv("ELT_QQQ", "1")
    with pytest.raises(SettingsError, match=r"ELT_QQQ .*remove it; \.env\.example"):
        configuration.load()


def test_names_of_other_programs_and_of_the_tests_are_none_of_its_business(monkeypatch):
    for name in ("DELTA", "MILLRACE_PASSWORD", "ELTON", "ELT_LIVE_TESTS"):
        monkeypatch.setenv(name, "1")
    assert configuration.load().target == "local"


@pytest.mark.parametrize(
    "broken",
    [
        "connection:\n  base_url: ${MY_SHOP_URL}\n",  # nothing else
        "connector: [unclosed\nconnection: {base_url: '${MY_SHOP_URL}'}\n",
        "\tnot yaml ${MY_SHOP_URL}\n",
    ],
)
def test_the_names_of_a_source_are_known_though_it_is_broken(broken, tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "source.yml").write_text(broken)
    (tmp_path / "shop" / "extract.py").write_bytes(b"import os\n# \xff\nKEY = os.environ['ELT_MY_KEY'\n")
    assert names_of_sources(tmp_path) == {"ELT_MY_SHOP_URL", "ELT_MY_KEY"}
    assert names_of_sources(tmp_path / "none") is None  # an image without sources cannot judge


def test_env_example_lists_every_name_and_no_other(tmp_path):
    text = (ROOT / ".env.example").read_text()
    listed = set(re.findall(r"^(?:# )?(ELT_\w+)=", text, re.MULTILINE))
    ours, of_sources = names(Settings, Dashboards), names_of_sources(ROOT / "dlt_sources")
    for sample in set(SOURCES) - set(removed_samples()):
        shutil.copytree(ROOT / "dlt_sources" / sample, tmp_path / "samples" / sample)
    of_samples = names_of_sources(tmp_path / "samples") or set()
    assert ours | of_samples <= listed <= ours | of_sources  # a team's own sources are the team's to list
    (tmp_path / ".env").write_text(text)
    assert read_file(tmp_path / ".env").problems == []


# -- .env and the command line ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"ELT_TARGET=local\n\nELT_MEMORY {VALUE}\n", "line 3: must be NAME=VALUE"),
        (f"ELT_MEMORY: {VALUE}\n", "line 1: must be NAME=VALUE"),
        ("ELT_TARGET=local\n\n# no value\n\nELT_MEMORY\n", "line 5: must be NAME=VALUE"),
        (f"ELT_PII_SALT='{VALUE}\n", "line 1: must be NAME=VALUE"),
        (
            f"ELT_TARGET=local\nELT_DATADIR={VALUE}\n",
            r"ELT_DATADIR \(in \.env, line 2\) is not a setting.*did you mean ELT_DATA_DIR",
        ),
        (f"ELT_MEMORY={VALUE}\n", r"ELT_MEMORY \(in \.env, line 1\): must be a number and a unit"),
        (b"ELT_TARGET=local\xff\n", "is not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("command", [["status"], ["doctor"], ["run"], ["dashboards", "export"]], ids=lambda c: c[0])
def test_a_wrong_env_file_is_exit_code_2_whatever_the_command(content, said, command, checkout):
    (checkout / ".env").write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        result = runner(checkout, *command)
    finally:
        (checkout / ".env").unlink()
    assert result.returncode == 2, result.stdout + result.stderr
    assert re.search(said, result.stderr) and len(result.stderr.strip().splitlines()) == 1
    assert VALUE not in result.stdout + result.stderr
    assert not (checkout / "data").exists()


def test_an_env_file_as_editors_write_it_is_read_and_the_environment_wins(checkout):
    text = "\ufeffELT_TARGET=local\r\nexport ELT_MEMORY='1GB'  # little\r\nELT_ALERT_URLS=json://x\r\nOTHER=1\r\n"
    (checkout / ".env").write_text(text, encoding="utf-8", newline="")
    program = "import settings; s = settings.load(); print(s.memory, repr(s.alert_urls.get_secret_value()))"
    try:
        for environment, found in (({}, "1GB 'json://x'"), ({"ELT_MEMORY": "3GB", "ELT_ALERT_URLS": ""}, "3GB ''")):
            done = forks.run(["-c", program], checkout, environment)
            assert done.stdout.strip() == found, done.stderr
    finally:
        (checkout / ".env").unlink()


@pytest.mark.parametrize("command", [["status"], ["doctor"], ["rejected"], ["check"], ["plan"], []], ids=str)
def test_a_wrong_setting_is_exit_code_2_whatever_the_command(command, checkout):
    result = runner(checkout, *command, ELT_MEMORY=VALUE)
    assert result.returncode == 2 and result.stderr.startswith("error: settings are not usable: ELT_MEMORY (in the env")
    assert VALUE not in result.stdout + result.stderr and "Traceback" not in result.stderr


def test_two_mistakes_are_said_at_once(monkeypatch):
    monkeypatch.setenv("ELT_MEMORY", "lots")
    monkeypatch.setenv("ELT_DATADIR", "x")
    with pytest.raises(SettingsError, match=r"(?s)\n  ELT_DATADIR .*\n  ELT_MEMORY "):
        configuration.load()


def test_aws_wants_a_salt_of_its_own_and_does_not_publish_into_the_warehouse_itself(monkeypatch):
    values = {
        "TARGET": "aws",
        "LAKE_URL": "s3://bucket",
        "REDSHIFT_HOST": "h",
        "REDSHIFT_ROLE": "arn:aws:iam::1:role/r",
        "STATE_HOST": "s",
        "STATE_USER": "u",
        "STATE_PASSWORD": "p",
        "REDSHIFT_WORKGROUP": "w",
        "REDSHIFT_SERVING": "warehouse",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"ELT_{name}", value)
    with pytest.raises(SettingsError, match=r"target aws needs ELT_PII_SALT; docs/aws\.md"):  # no salt that others know
        configuration.load()
    monkeypatch.setenv("ELT_PII_SALT", "pinch")
    with pytest.raises(SettingsError, match="ELT_REDSHIFT_SERVING must be another database"):
        configuration.load()


def test_the_bootstrap_s_own_names_are_known(monkeypatch):
    for name in names(Bootstrap) - names(Settings):
        monkeypatch.setenv(name, "x")
    assert configuration.load().target == "local"


# -- addresses of sources -------------------------------------------------------------------------------------------------

ADDRESSES_OF_SOURCES = {
    ("deftunes_api", "ELT_DEFTUNES_API_URL"): [VALUE, "http://", f"ftp://{VALUE}", f"https://{VALUE}:port"],
    ("audiophile", "ELT_AUDIOPHILE_URL"): [VALUE, f"//{VALUE}", "https://[::1"],
    ("taxi", "ELT_TAXI_FILES"): [f"ftp://{VALUE}", "s3://", "https://"],
    ("deftunes_db", "ELT_DEFTUNES_DB_URL"): [
        VALUE,
        f"oracle://me:{VALUE}@host/db",
        f"postgresql://me:{VALUE}@host:port/db",
        f"x://{VALUE}",
    ],
}


@pytest.mark.samples
@pytest.mark.parametrize(
    ("source", "name", "value"), [(*key, value) for key, values in ADDRESSES_OF_SOURCES.items() for value in values]
)
def test_an_address_that_is_none_is_a_wrong_setting_and_not_a_source_that_is_away(
    source, name, value, monkeypatch, tmp_path
):
    from dlt_sources.door import land, load_sources

    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"{source}: {name}: must be ") as caught:
        land(load_sources()[source], configuration.load())
    assert VALUE not in str(caught.value) and not (tmp_path / "data").exists()
