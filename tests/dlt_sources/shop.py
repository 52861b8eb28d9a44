"""A declared source of files for the tests, a server for it, and looks at what it landed and staged."""

import hashlib
from contextlib import contextmanager

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from dlt_sources.door import land, load_sources, refine
from tests.web import asked_path, serve

CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    file: str = column("file", path="_file", max_length=100)
    id: int = column("id", ge=1)
    name: str | None = column("name", path=["name", "title"])
    code: int | None = column("code", path=["Code", "code"], default=None)
"""
HEAD = "id,name\n"


class Site:
    """Serves `files`: path to bytes, or to the status it answers with. `log` has (path, status) of every answer."""

    def __init__(self, etags=True):
        self.files, self.log, self.headers, self.etags, self.dates = {}, [], [], etags, {}

    @contextmanager
    def serve(self):
        with serve(self._answer) as self.url:
            yield self

    def _answer(self, request):
        path = asked_path(request).lstrip("/")
        found = self.files.get(path, 404)
        status, body = (200, found) if isinstance(found, bytes) else (found, b"")
        headers = {**self.dates.get(path, {})}
        if self.etags and status == 200:
            headers["etag"] = f'"{hashlib.md5(body).hexdigest()}"'
            if request.headers.get("if-none-match") == headers["etag"]:
                status, body = 304, b""
        self.log.append((path, status))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return status, headers, body

    def asked(self):
        """The log since it was last asked for."""
        log, self.log = self.log, []
        return log


def source_of(tmp_path, url, connection=None, **table):
    """A declared source of one table `things` whose files are at `url`."""
    folder = tmp_path / "sources" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "description": "things",
        "owner": "me",
        "schedule": "* * * * *",
        "connector": "files",
        "connection": {"url": str(url), "attempts": 2, **(connection or {})},
        "tables": {"things": {"contract": "Thing", "key": ["id"], "mode": "append", "files": "*.*", **table}},
    }
    (folder / "source.yml").write_text(yaml.safe_dump(content))
    (folder / "contract.py").write_text(CONTRACT)
    return load_sources(folder.parent)["shop"]


def run(shop, here):
    """Land and refine: (landed, accepted, rejected) rows of `things`; none is unaccounted for."""
    landed = land(shop, here).get("things", 0)
    return (landed, *refined(shop, here, landed))


def refined(shop, here, landed=None):
    done = refine(shop, here)
    assert done.landed["things"] == done.accepted["things"] + done.rejected["things"]
    assert landed is None or done.landed["things"] == landed
    return done.accepted["things"], done.rejected["things"]


def query(here, sql):
    with duckdb.connect(str(here.warehouse)) as con:
        return con.execute(sql).fetchall()


def staged(here, columns="id, name"):
    return query(here, f"SELECT {columns} FROM stg_shop.things ORDER BY ALL")


def parquet(**columns):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()
