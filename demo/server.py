"""The upstream systems that speak HTTP, as one real server: ``python -m demo.server --ready FILE``.

``/users`` and ``/sessions`` answer as the DeFtunes course's API does: ``start_date`` and ``end_date`` (inclusive), one
array, no paging. ``/rankings/...`` are the reviewer's pages, ``/api/`` is randomuser.me's, ``/trip-data/...`` the TLC's
files: 403 until a month is published. Pages and files have ETags. On some days the APIs answer with a byte order mark, with
a content type that is wrong, without a body, or first with 429. ``/_control/...`` moves the calendar and makes requests
fail; the server listens on loopback unless ``--host`` says where.
"""

from __future__ import annotations

import argparse
import asyncio
import codecs
import hashlib
import socket
from collections import defaultdict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .audiophile import Rankings
from .deftunes import DefTunes
from .oracle import in_days
from .people import RandomUsers
from .records import Slot, current, json_text
from .taxi import Taxi

MISLABELED_DAY, BUSY_DAY, MARKED_DAY = 1, 1, 3
"""When JSON in UTF-8 claims to be a text in another encoding, the people's API wants to be asked once more, and JSON begins
with a byte order mark."""


@dataclass(slots=True)
class Sent:
    """What a record says from a day on, as its API sends it; without a body the record is gone."""

    day: int
    body: bytes | None
    time: Any


class Site:
    """The state behind the endpoints: the systems, the day, faults to come and a log of requests.

    Faults and log go by the first part of a request's path: users, sessions, rankings, api or trip-data.
    """

    def __init__(self, seed: int, scale: float) -> None:
        tunes = DefTunes(seed, scale)
        self.slots = {
            "users": [_sent(slot, "user_since") for slot in tunes.users],
            "sessions": [_sent(slot, "session_start_time") for slot in tunes.sessions],
        }
        self.rankings, self.people, self.taxi = Rankings(seed, scale), RandomUsers(seed, scale), Taxi(seed, scale)
        self.day, self.tick = 0, 0
        self.faults: dict[str, deque[dict[str, Any]]] = defaultdict(deque)
        self.log: list[str] = []

    async def records(self, request: Request) -> Response:
        """``/users`` or ``/sessions``."""
        name = request.url.path.strip("/")
        body = self._records(name, request.query_params.get("start_date"), request.query_params.get("end_date"))
        return await self._answer(request, _json(body, self.day))

    def _records(self, name: str, since: str | None, until: str | None) -> bytes:
        found = [version for slot in self.slots[name] if (version := current(slot, self.day))]
        if since and until:
            found = [version for version in found if in_days(version.time, since, until)]
        return b"[%s]" % b",".join(version.body for version in found if version.body)

    async def page(self, request: Request) -> Response:
        """``/rankings/headphones`` or ``/rankings/iems``."""
        body = self.rankings.page(request.path_params["name"], self.day)
        return await self._answer(request, Response(body, media_type="text/html"))

    async def random_users(self, request: Request) -> Response:
        """``/api/``: the people of the moment."""
        body = self.people.answer(self.day, self.tick)
        return await self._answer(request, _json(body, self.day) if body else Response(status_code=204))

    async def trip_data(self, request: Request) -> Response:
        """``/trip-data/...``: a published file, or 403."""
        body = self.taxi.files(self.day).get(request.path_params["name"])
        if body is None:
            return await self._answer(request, Response(b"<Error><Code>AccessDenied</Code></Error>", 403))
        return await self._answer(request, Response(body, media_type="binary/octet-stream"))

    async def _answer(self, request: Request, whole: Response) -> Response:
        """The answer, unless the client has it or a fault is planned."""
        part = request.url.path.strip("/").split("/")[0]
        self.log.append(f"{request.url.path.strip('/')}?{request.url.query}")
        if self.faults[part]:
            return await _fail(self.faults[part].popleft(), bytes(whole.body))
        if part in ("rankings", "trip-data") and whole.status_code == 200:
            whole.headers["ETag"] = f'"{hashlib.md5(whole.body).hexdigest()}"'
            if request.headers.get("if-none-match") == whole.headers["ETag"]:
                return Response(status_code=304, headers={"ETag": whole.headers["ETag"]})
        return whole

    async def control(self, request: Request) -> Response:
        """Move to a day or a moment of it, plan faults, read the log."""
        order = orjson.loads(await request.body() or b"{}")
        match request.path_params["what"]:
            case "day":
                self.day, self.tick = int(order["day"]), 0
                if self.day == BUSY_DAY:
                    self.faults["api"].append({"kind": "status", "status": 429, "retry_after": 1})
            case "tick":
                self.tick += 1
            case "fault":
                self.faults[order["path"]].extend([order] * int(order.get("times", 1)))
            case "calm":
                self.faults.clear()
        return Response(orjson.dumps({"day": self.day, "log": self.log}), media_type="application/json")


def _sent(slot: Slot, time: str) -> list[Sent]:
    """The versions of a record as they are sent.

    Args:
        time: name of the value that the API filters by.
    """
    bodies = [(version.day, version.body) for version in slot]
    return [Sent(day, _text(body), body.get(time) if isinstance(body, dict) else None) for day, body in bodies]


def _text(body: Any) -> bytes | None:
    return (
        None if body is None else bytes(memoryview(json_text(body)))
    )  # a copy: orjson's own has room for four times as much


def _json(body: bytes, day: int) -> Response:
    """A JSON answer as it comes on a virtual day."""
    kind = "text/plain; charset=iso-8859-1" if day == MISLABELED_DAY else "application/json"
    return Response((codecs.BOM_UTF8 if day == MARKED_DAY else b"") + body, headers={"content-type": kind})


async def _fail(fault: dict[str, Any], body: bytes) -> Response:
    """An answer that is wrong in the way the fault says."""
    match fault["kind"]:
        case "status":
            headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
            return Response(b'{"detail": "no"}', fault["status"], headers, "application/json")
        case "delay":
            await asyncio.sleep(float(fault["seconds"]))
            return Response(body, media_type="application/json")
        case "truncated":
            return Response(body[: len(body) // 2], media_type="application/json")
        case "empty":
            return Response(b"", media_type="application/json")
        case "no_rows":
            return Response(b"[]", media_type="application/json")
        case "no_people":
            return Response(b'{"results": [], "info": {"results": 0, "version": "1.4"}}', media_type="application/json")
        case "object":
            return Response(b'{"detail": "try later"}', media_type="application/json")
        case _:
            return Response(b"<html>maintenance</html>", media_type="text/html")


def main() -> None:
    """Serve until killed; writes the port into the file ``--ready`` when the first request can come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready", type=Path, required=True)
    options = parser.parse_args()
    site = Site(options.seed, options.scale)
    app = Starlette(
        routes=[
            Route("/users", site.records),
            Route("/sessions", site.records),
            Route("/rankings/{name}", site.page),
            Route("/api/", site.random_users),
            Route("/trip-data/{name}", site.trip_data),
            Route("/_control/{what}", site.control, methods=["POST"]),
        ]
    )
    listener = socket.create_server((options.host, options.port))
    draft = options.ready.with_suffix(".new")
    draft.write_text(str(listener.getsockname()[1]))
    draft.rename(options.ready)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])


if __name__ == "__main__":
    main()
