"""A landed file that is missing or damaged is an error that names it, and what the error says to do next is right."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import LandedFileError, land, rebuild, refine
from tests.dlt_sources import shop as files
from tests.dlt_sources.shop import staged
from tests.dlt_sources.test_land import Api
from tests.dlt_sources.test_land import source_of as api_source


def swap_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[10] ^= 255
    path.write_bytes(bytes(content))


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "deleted": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "other content": swap_bytes,
}
KINDS = ("files", "cursor", "whole")


class Shop:
    """A source of one kind, with rows of two days."""

    def __init__(self, kind: str, folder: Path, here: Any, api: Any) -> None:
        self.kind, self.here, self.api, self.inbox = kind, here, api, folder / "inbox"
        self.inbox.mkdir()
        endpoint: dict[str, Any] = {"path": "things"}
        if kind == "cursor":
            endpoint["window"] = {"since": "from", "until": "to"}
        table = {"endpoint": endpoint, "key": ["id"], "mode": "upsert"}
        if kind == "cursor":
            table |= {"cursor": "at", "start": "2020-01-01"}
        self.source = (
            files.source_of(folder, self.inbox, mode="upsert")
            if kind == "files"
            else api_source(folder, table, {"base_url": api.url, "attempts": 1})
        )

    def deliver(self, number: int) -> None:
        if self.kind == "files":
            (self.inbox / f"{number}.csv").write_text(f"id,name\n{number},n{number}\n")
        else:
            moment = f"2020-03-0{number}T00:00:00"
            self.api.rows = [*self.api.rows, {"id": number, "name": f"n{number}", "moment": moment}]

    def landed(self) -> list[Path]:
        landing = Landing("shop", self.here)
        return [Path(file.path) for file in landing.files("things", landing.loads())]


@pytest.fixture
def shop(kind: str, tmp_path: Path, here: Any) -> Iterator[Shop]:
    served: AbstractContextManager[Any] = Api().serve() if kind != "files" else nullcontext()
    with served as api:
        shop = Shop(kind, tmp_path, here, api)
        shop.deliver(1)
        land(shop.source, here)
        refine(shop.source, here)
        shop.deliver(2)
        land(shop.source, here)
        yield shop


CASES = [(kind, damage) for kind in KINDS for damage in DAMAGES if kind == "files" or damage == "deleted"]


@pytest.mark.few(3)
@pytest.mark.parametrize(("kind", "damage"), CASES)
def test_rows_that_are_not_in_staging(shop: Shop, damage: str, tmp_path: Path, here: Any) -> None:
    newest = shop.landed()[-1]
    aside = shutil.copy(newest, tmp_path / "backup")
    DAMAGES[damage](newest)
    load = newest.name.rsplit(".", 2)[0]
    for _ in range(2):
        with pytest.raises(LandedFileError) as caught:
            refine(shop.source, here)
        for named in ("shop.things", load, str(newest), "put it back from a backup"):
            assert named in str(caught.value)
        assert staged(here) == [(1, "n1")]
    shop.deliver(3)
    land(shop.source, here)  # later loads wait
    with pytest.raises(LandedFileError):
        refine(shop.source, here)
    if damage == "truncated":
        shutil.copy(aside, newest)
    else:
        folder = re.search(r"all later ones in (\S+):", str(caught.value))
        assert folder
        for record in Path(folder[1]).iterdir():
            if float(re.split(r"__|\.jsonl", record.name)[1]) >= float(load):
                record.unlink()
        land(shop.source, here)
    refine(shop.source, here)
    assert staged(here) == [(1, "n1"), (2, "n2"), (3, "n3")]


@pytest.mark.parametrize("kind", ["files"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_rows_that_are_in_staging(shop: Shop, damage: str, here: Any) -> None:
    """A replay of them stops; a rebuild takes them from silver. What is left of the oldest has expired."""
    refine(shop.source, here)
    newest = shop.landed()[-1]
    DAMAGES[damage](newest)
    with pytest.raises(LandedFileError, match=r"runner\.py rebuild shop"):
        refine(shop.source, here, since=Landing("shop", here).loads()[0])
    assert staged(here) == [(1, "n1"), (2, "n2")]
    newest.unlink(missing_ok=True)
    done = rebuild(shop.source, [], here, progress=lambda text: None)
    assert done.carried == {"things": 1} and staged(here) == [(1, "n1"), (2, "n2")]


@pytest.mark.parametrize("kind", ["files"])
@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]x"])
def test_a_record_that_cannot_be_read(shop: Shop, content: bytes, here: Any) -> None:
    record = Path(Landing("shop", here).record(Landing("shop", here).loads()[-1]))
    record.write_bytes(content)
    with pytest.raises(LandedFileError, match=re.escape(str(record))):
        refine(shop.source, here)
    record.unlink()
    land(shop.source, here)  # what was remembered with it is not believed
    refine(shop.source, here)
    assert staged(here) == [(1, "n1"), (2, "n2")]
