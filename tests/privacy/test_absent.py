"""Personal data tagged hash or drop is in no byte outside ``landing/<source>``: after runs that pass, reject and fail."""

import importlib
import logging
import traceback

import pytest

import settings as configuration
from demo.postgres import Postgres
from dlt_sources.door import SourceError, StoreError, land, load_sources, refine
from tests.alerts import listening
from tests.dlt_sources.test_land import Api, source_of
from tests.harness import Pipeline
from tests.privacy.scan import places
from tests.privacy.sources import FILES, MARKERS, MEMBERS, PAGES, PEOPLE, Trouble, declare

SOURCES = ("board", "clinic", "letters", "own")
FAULTS = ("refused", "moved", "elsewhere", "half")


@pytest.fixture
def server():
    with Api().serve() as api:
        api.trouble = Trouble()
        api.respond = api.trouble.respond
        yield api


@pytest.fixture
def here(tmp_path, monkeypatch):
    for name, value in {"DATA_DIR": tmp_path / "data", "RETRY_PACE": 0.001, "PRIVATE_QUERY": "mkparam"}.items():
        monkeypatch.setenv(f"ELT_{name}", str(value))
    return configuration.load()


def exercise(tmp_path, here, server, monkeypatch):
    """Everything that may happen to the sources, in this process; returns all that was said."""
    said = []

    class Log(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())

    logging.getLogger().addHandler(log := Log())

    def attempt(work, *args, **options):
        try:
            work(*args, **options)
        except Exception as error:
            said.extend(traceback.format_exception(error))

    def declared(trouble=""):
        return load_sources(declare(tmp_path / "sources", server.url, tmp_path / "inbox", trouble))

    for source in declared().values():
        attempt(land, source, here)
        attempt(refine, source, here)
    server.trouble.members, server.trouble.people = MEMBERS[:3], PEOPLE[:-2]  # rows vanish
    server.trouble.page = "crooked"
    for source in declared("known").values():
        attempt(land, source, here)
    server.trouble.page = "headless"
    for name in ("board", "own"):
        attempt(land, declared("unknown")[name], here)
    for server.trouble.fault in FAULTS:
        for name in ("clinic", "board"):
            attempt(land, declared()[name], here)
    server.trouble.fault, server.trouble.page = "", "good"
    with monkeypatch.context() as patch:
        patch.setattr("dlt_sources._steps.silver.silver.Silver.write", fail_with_a_row)
        attempt(refine, declared()["clinic"], here)
    attempt(refine, declared()["clinic"], here, since="0")
    blocked = here.data / "lake" / "landing" / "own" / "things"
    blocked.rename(blocked.with_name("aside"))
    blocked.write_text("")  # the load fails and its package waits for the next run
    attempt(land, declared("more")["own"], here)
    logging.getLogger().removeHandler(log)
    return "".join(said)


def fail_with_a_row(*args):
    raise ValueError("could not convert " + "".join(("mk", "row")))


def test_no_marker_is_outside_landing(tmp_path, here, server, monkeypatch):
    said = exercise(tmp_path, here, server, monkeypatch)
    assert "Traceback" in said and "own" in said and "clinic" in said
    landed = b"".join(path.read_bytes() for path in (here.data / "lake" / "landing").rglob("*") if path.is_file())
    assert b"mkmember04" in landed  # it was all there
    assert "\n".join(places(MARKERS, here.data, SOURCES, said)) == ""


def as_it_is(value):
    return lambda *args, **options: value(*args, **options)


SABOTAGE = {
    "a rejected row is shown whole": ("declared.redact", "Redaction.row", lambda _: lambda self, raw: raw),
    "reasons are shown whole": ("declared.redact", "Redaction.reasons", lambda _: lambda self, reasons, raw: reasons),
    "only the table's own contract counts": ("declared.redact", "_family", lambda _: lambda root, tables: []),
    "what a record tags is not tagged for its elements": (
        "declared.redact",
        "_seen_from",
        lambda _: lambda place, explode: place,
    ),
    "a copy of a tagged value is shown": ("declared.redact", "_holds", lambda _: lambda text, secrets: False),
    "an object is shown where a text should be": ("declared.redact", "_may_be_personal", lambda _: lambda *_: False),
    "messages are shown as they are": ("declared.redact", "safe_message", lambda _: lambda rule, message: message),
    "errors of sources quote": (
        "declared.source_error",
        "SourceError.without_values",
        lambda _: lambda self, known=(): self,
    ),
    "errors of refine quote": (
        "refine.refine",
        "quiet_about",
        lambda original: lambda source, private: original(source, False),
    ),
    "rows in passing are elsewhere": (
        "land.land",
        "Settings.workplace",
        lambda _: lambda self, source: self.dlt / "at" / source,
    ),
    "what was seen is elsewhere": ("land.seen", "Seen.__init__", None),
    "hashing is left out": ("judge.judge", "stored", None),
}


BY_DAY = (
    "a rejected row is shown whole",
    "errors of sources quote",
    "what was seen is elsewhere",
    "hashing is left out",
)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[] if what in BY_DAY else [pytest.mark.nightly]) for what in SABOTAGE]
)
def test_it_is_found_when_one_redaction_is_removed(what, tmp_path, here, server, monkeypatch):
    module, path, replacement = SABOTAGE[what]
    holder = importlib.import_module(f"dlt_sources._steps.{module}")
    *way, name = path.split(".")
    for part in way:
        holder = getattr(holder, part)
    replacement = replacement or {"Seen.__init__": seen_elsewhere, "stored": not_hashed}[path]
    monkeypatch.setattr(holder, name, replacement(getattr(holder, name)))
    said = exercise(tmp_path, here, server, monkeypatch)
    assert places(MARKERS, here.data, SOURCES, said)


def seen_elsewhere(original):
    def init(self, source, settings, work):
        original(self, source, settings, work)
        self.folder = f"{settings.landing}/_elsewhere/{source}"

    return init


def not_hashed(original):
    import dataclasses

    def stored(rows, columns, marks, **how):
        clear = [dataclasses.replace(c, pii=None, max_length=64) if c.pii == "hash" else c for c in columns]
        return original(rows, clear, marks, **how)

    return stored


def test_what_a_database_says_of_a_row_is_not_repeated(tmp_path, here, monkeypatch):
    contract = 'from dlt_sources._steps.contracts.contract import Contract, column\nclass Thing(Contract):\n    id: int = column("i", pii="hash")\n'
    server = Postgres(tmp_path / "pg")
    server.start()
    try:
        monkeypatch.setenv("ELT_SHOP_URL", server.dsn)
        with server.cursor() as cursor:
            cursor.execute(
                "CREATE VIEW deftunes.things AS SELECT CAST(t AS int) AS id, '' AS name FROM (VALUES ('1'), ('mkdriver')) AS v(t)"
            )
        for text, quoted in ((None, True), (contract, False)):
            shop = source_of(
                tmp_path, {"table": "things"}, {"url": "${SHOP_URL}", "schema": "deftunes"}, "sql_database"
            )
            if text:
                (shop.folder / "contract.py").write_text(text)
            with pytest.raises(SourceError) as error:
                land(load_sources(shop.folder.parent)["shop"], here)
            said = "".join(traceback.format_exception(error.value))
            assert ("mkdriver" in str(error.value)) is quoted, said
        assert places(["mkdriver"], here.data, ["shop"], said) == []
    finally:
        server.close()


def test_a_package_that_waits_lies_in_landing_and_is_loaded_by_the_next_run(tmp_path, here, server):
    own = load_sources(declare(tmp_path / "sources", server.url, tmp_path / "inbox"))["own"]
    blocked = here.data / "lake" / "landing" / "own" / "things"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("")
    with pytest.raises(StoreError, match="next run reads these rows again") as error:
        land(own, here)
    assert "mkown" not in str(error.value)
    waiting = [path for path in here.data.rglob("*.parquet") if b"mkown0" in path.read_bytes()]
    assert waiting and all(path.is_relative_to(here.workplace("own")) for path in waiting)
    blocked.unlink()
    land(own, here)
    assert refine(own, here).accepted["things"] == 1


@pytest.fixture
def hook():
    with listening(lambda _, body: body) as found:
        yield found


@pytest.mark.slow
def test_no_command_shows_or_keeps_a_marker(tmp_path, server, hook):
    """The same through the command line: reports, JSON, alerts, the record of runs and what is published."""
    port, heard = hook
    folder = declare(tmp_path / "sources", server.url, tmp_path / "inbox", "unknown")
    pipeline = Pipeline(
        tmp_path / "data",
        {
            "ELT_PRIVATE_QUERY": "mkparam",
            "ELT_ALERT_URLS": f"json://127.0.0.1:{port}",
            "ELT_NOW": "2020-03-10T12:00:00",
        },
    )
    codes, said = [], ""

    def command(*arguments, patch="only"):
        nonlocal said
        result = pipeline(*arguments, patch=f"tests.privacy.patches:{patch}:{folder}")
        codes.append(result.code)
        said += result.out + result.err

    command("run", "--now")
    server.trouble.members, server.trouble.people, server.trouble.page = MEMBERS[:3], PEOPLE[:-2], "crooked"
    command("run", "clinic", "board", "--json")
    server.trouble.fault = "refused"
    command("run", "clinic", "--json")
    command("replay", "clinic", "--rejected", patch="and_fail")
    server.trouble.fault = ""
    command("replay", "letters", "--rejected")
    for arguments in (
        ("status",),
        ("status", "--json"),
        ("rejected",),
        ("rejected", "--json"),
        ("check", "clinic", "--json"),
    ):
        command(*arguments)
    assert codes == [3, 3, 2, 70, 0, 0, 0, 0, 0, 0], f"{codes}\n{said}"
    assert len(heard) >= 3 and "clinic" in str(heard) and "parent_rejected" in said and "malformed_line" in said
    assert "\n".join(places(MARKERS, tmp_path / "data", SOURCES, said + str(heard))) == ""
    left = [p for p in tmp_path.rglob("*") if p.is_file() and not p.is_relative_to(tmp_path / "data")]
    assert {p.parent.name for p in left} <= {"inbox", *SOURCES, tmp_path.name, "__pycache__"}, left
    assert FILES and PAGES
