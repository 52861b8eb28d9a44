import compileall
import gc
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from foundation import hidden
from foundation.garbage import collect_rarely
from settings import LIBRARIES, TOOLS
from tests import needs, shared_models
from tests.clusters import copy_clusters
from tests.flushes import skip_flushes
from tests.harness import CODE, ROOT, Pipeline, make_once

SCALE = 0.01
PART_BY_DAY = 4
"""Of the examples that a test over generated ones asks for, and of the moments at which one strikes, one of so many is tried by
day; all are by night, or when it is named.
"""
FEWEST = 8
os.environ.update(LIBRARIES)  # before any test imports a library: some read it then
settings.register_profile("suite", deadline=None)  # how long an example takes depends on the machine
settings.load_profile("suite")
# Of a contract that is edited twice in a second, at the same length, Python would read the first from its compiled file.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
TOOLS.update(
    {"ELT_SHOP_URL", "ELT_SHOP_KEY", "ELT_PRIVATE_QUERY"}
)  # of sources that tests declare outside dlt_sources/
warnings.filterwarnings("ignore", module="platformdirs")
collect_rarely()  # as every command does: what stands in for AWS and Redshift works in these processes


LONGEST = (
    "tests/superset/test_dashboards.py",
    "tests/test_promises.py",
    "tests/aws/test_promises.py",
    "tests/aws/test_abreast.py",
    "tests/test_side_by_side.py",
    "tests/aws/test_external.py",
    "tests/test_nothing_bad.py",
    "tests/privacy/test_absent.py",
    "tests/deploy/test_terraform.py",
    "tests/test_runner.py",
    "tests/sqlmesh_project/test_models.py",
    "tests/test_how_to.py",
    "tests/test_first_hour.py",
    "tests/test_kills.py",
    "tests/test_broken_models.py",
)
"""Files that each keep a worker for minutes, in their order: `test_promises.py` leaves its first day to those after it."""
SYSTEMS = {
    "account",
    "api",
    "begun",
    "cloud",
    "db",
    "estate",
    "fresh",
    "here",
    "models",
    "postgres",
    "queries",
    "redshift",
    "shop",
    "small",
    "stand_in",
    "started",
}
"""Fixtures that start a system, are a data folder or load every model: what uses one is slow."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="run the tests marked nightly, too")


def pytest_configure(config: pytest.Config) -> None:
    """Compile the project once: each command under test would compile it again, where Python is told to write no bytecode."""
    if not hasattr(config, "workerinput"):
        skip_flushes()
        shared_models.share()
        for name in CODE:
            compileall.compile_dir(ROOT / name, rx=re.compile(r"\.venv"), quiet=2)
        for name in ("errors.py", "runner.py", "settings.py"):
            compileall.compile_file(ROOT / name, quiet=2)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fast tests first, then the files that take longest, so that none of them is left for the end; nightly ones when asked for."""
    for item in items:
        if SYSTEMS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    if by_day(config):
        left = {item for item in items if item.get_closest_marker("nightly")}
        left |= beyond_few([item for item in items if item not in left])
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]
        for test in {item.obj for item in items if getattr(getattr(item, "obj", None), "is_hypothesis_test", False)}:
            ask_fewer_examples(test)
    skip_without_samples(items)
    items.sort(key=place_in_order)


def by_day(config: pytest.Config) -> bool:
    """Whether a part of the cases is enough: not by night, nor where a test is named."""
    return not config.getoption("nightly") and not any("::" in argument for argument in config.args)


def pytest_collection_finish() -> None:
    """What was imported stays: nothing looks for garbage in it again."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes give a case no name: packed ones hold the time, and each worker must collect the same names."""
    return argname if isinstance(val, bytes) else None


class WithoutSamples(pytest.Module):
    """A test module that cannot be imported here: what it tests was removed."""

    def collect(self) -> Iterator[pytest.Item]:
        pytest.skip(needs.why_no_samples(), allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip modules that import a sample's contract where the samples were removed."""
    if needs.why_no_samples() and needs.imports_sample(module_path):
        return WithoutSamples.from_parent(parent, path=module_path)  # type: ignore[no-any-return]
    return None


def skip_without_samples(items: list[pytest.Item]) -> None:
    """Skip what needs the sample sources where they were removed: what says so, and what uses their world."""
    if reason := needs.why_no_samples():
        for item in items:
            if item.get_closest_marker("samples") or needs.OF_SAMPLES & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.skip(reason=reason))


def place_in_order(item: pytest.Item) -> int:
    """Where a test belongs: fast ones, files that take longest, other slow ones."""
    if not item.get_closest_marker("slow"):
        return 0
    return 1 + next((place for place, file in enumerate(LONGEST) if item.nodeid.startswith(file)), len(LONGEST))


def ask_fewer_examples(test: Any) -> None:
    """Of a test over generated examples: a part of them by day, as each day draws others; never fewer than a few."""
    declared = test._hypothesis_internal_use_settings or settings()
    fewer = max(declared.max_examples // PART_BY_DAY, FEWEST)
    test._hypothesis_internal_use_settings = settings(declared, max_examples=min(declared.max_examples, fewer))


def beyond_few(items: list[pytest.Item]) -> set[pytest.Item]:
    """Of tests marked ``few(n)`` the cases beyond n, which are evenly spaced among all: they run with the nightly ones."""
    cases: dict[tuple[Path, str], list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("few"):
            cases.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    left: set[pytest.Item] = set()
    for all_ in cases.values():
        [count] = all_[0].get_closest_marker("few").args  # type: ignore[union-attr]
        kept = {round(n * (len(all_) - 1) / max(count - 1, 1)) for n in range(min(count, len(all_)))}
        left |= {item for place, item in enumerate(all_) if place not in kept}
    return left


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """The last lines say what did not run here, and how to run it."""
    yield
    for line in needs.not_run(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line)


@pytest.fixture
def step(request: pytest.FixtureRequest) -> int:
    """Of moments to strike at, at which one to strike next."""
    return PART_BY_DAY if by_day(request.config) else 1


@pytest.fixture(scope="module", autouse=True)
def forgotten_secrets() -> Iterator[None]:
    """A module's secrets are its own: a password "another" would garble the messages of every later test in the process."""
    before = hidden._known, hidden._pattern
    hidden._known, hidden._pattern = set(), None
    yield
    hidden._known, hidden._pattern = before


@pytest.fixture(scope="session", autouse=True)
def clusters() -> None:
    """Each server of Postgres begins with a copy."""
    copy_clusters()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Postgres"]:  # noqa: F821
    """A Postgres of the module's own."""
    from demo.postgres import Postgres

    server = Postgres(tmp_path_factory.mktemp("pg") / "data")
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator["World"]:  # noqa: F821
    """The upstream world at a small scale, on its first day."""
    from demo.world import World

    with World(tmp_path_factory.mktemp("world"), SCALE) as world:
        yield world


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all workers see."""
    alone = not hasattr(request.config, "workerinput")
    return tmp_path_factory.mktemp("shared") if alone else tmp_path_factory.getbasetemp().parent


@pytest.fixture(scope="session")
def first_day_data(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """The data folder of a pipeline that has run once, on a world's first day; the same for all workers."""
    from demo.world import World

    def make(folder: Path) -> None:
        with World(tmp_path_factory.mktemp("first_world"), SCALE) as world:
            result = Pipeline(folder / "data", world.environment)("run", "--now")
        assert result.code == 0, result.out + result.err

    return make_once(shared / "first_day", make) / "data"


@pytest.fixture(scope="module")
def first_day(world: "World", first_day_data: Path) -> Pipeline:  # noqa: F821
    """A pipeline that has run once, on the world's first day. Copy it; do not run it."""
    return Pipeline(first_day_data, world.environment)


@pytest.fixture(scope="module")
def last_day_gold(world: "World", first_day: Pipeline, shared: Path) -> dict[str, list[tuple[Any, ...]]]:  # noqa: F821
    """What is published on the last day, on which every system has news, by a run after the first day's; the world is there."""
    while not world.last_day:
        world.advance()

    def make(folder: Path) -> None:
        result = first_day.copy(folder / "data")("run", "--now", **world.environment)
        assert result.code == 0, result.out + result.err

    return Pipeline(make_once(shared / "last_day", make) / "data", {}).gold()


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real sample files, which are others' and not part of this repository."""
    folder = Path(os.environ.get("SAMPLES", ROOT.parent / "shared" / "data"))
    if not folder.exists():
        needs.lack("there is no folder of real sample files", "SAMPLES=FOLDER make test")
    return folder
