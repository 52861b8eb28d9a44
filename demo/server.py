"""The DeFtunes API as a real HTTP server: ``python -m demo.server --ready FILE``.

``/users`` and ``/sessions`` answer as the course's API does: ``start_date`` and ``end_date`` (inclusive), one array, no
paging, no authentication. ``/_control/...`` moves the calendar and makes requests fail; the server listens on loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections import deque
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .deftunes import DefTunes
from .oracle import in_window
from .records import Slot, current


class Api:
    """The state behind the endpoints: the world, the day, faults to come and a log of requests."""

    def __init__(self, world: DefTunes) -> None:
        self.slots: dict[str, list[Slot]] = {"users": world.users, "sessions": world.sessions}
        self.times = {"users": "user_since", "sessions": "session_start_time"}
        self.texts = {id(v): orjson.dumps(v.body) for slots in self.slots.values() for slot in slots for v in slot}
        self.day = 0
        self.faults: dict[str, deque[dict[str, Any]]] = {"users": deque(), "sessions": deque()}
        self.log: list[str] = []

    async def records(self, request: Request) -> Response:
        """``/users`` or ``/sessions``."""
        name = request.url.path.strip("/")
        self.log.append(f"{name}?{request.url.query}")
        body = self._body(name, request.query_params.get("start_date"), request.query_params.get("end_date"))
        if self.faults[name]:
            return await _fail(self.faults[name].popleft(), body)
        return Response(body, media_type="application/json")

    def _body(self, name: str, since: str | None, until: str | None) -> bytes:
        found = [version for slot in self.slots[name] if (version := current(slot, self.day))]
        if since and until:
            found = [version for version in found if in_window(version.body, self.times[name], since, until)]
        return b"[" + b",".join(self.texts[id(version)] for version in found) + b"]"

    async def control(self, request: Request) -> Response:
        """Move to a day, plan faults, read the log."""
        order = orjson.loads(await request.body() or b"{}")
        match request.path_params["what"]:
            case "day":
                self.day = int(order["day"])
            case "fault":
                self.faults[order["path"]].extend([order] * int(order.get("times", 1)))
            case "calm":
                for faults in self.faults.values():
                    faults.clear()
        return Response(orjson.dumps({"day": self.day, "log": self.log}), media_type="application/json")


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
        case "object":
            return Response(b'{"detail": "try later"}', media_type="application/json")
        case _:
            return Response(b"<html>maintenance</html>", media_type="text/html")


def main() -> None:
    """Serve until killed; writes the port into the file ``--ready`` when the first request can come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready", type=Path, required=True)
    options = parser.parse_args()
    api = Api(DefTunes(options.seed, options.scale))
    app = Starlette(routes=[
        Route("/users", api.records),
        Route("/sessions", api.records),
        Route("/_control/{what}", api.control, methods=["POST"]),
    ])  # fmt: skip
    listener = socket.create_server(("127.0.0.1", options.port))
    draft = options.ready.with_suffix(".new")
    draft.write_text(str(listener.getsockname()[1]))
    draft.rename(options.ready)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])


if __name__ == "__main__":
    main()
