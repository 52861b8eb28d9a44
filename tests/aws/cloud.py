"""AWS for tests: moto's server in this process, behind a middleware that writes down requests and disturbs them.

The credentials that Redshift gives to IAM identities are answered here, so that a test knows the password.
"""

from __future__ import annotations

import contextlib
import io
import re
import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote

import boto3
from moto.moto_api._internal import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from tests.aws.actions import missing, needed, operation
from tests.aws.answers import ERRORS, Answer, Request, Start, credentials, not_authorized, refuse
from tests.aws.policy import Policy, calls

REGION = "us-east-1"
KINDS = (*ERRORS, "hang", "cut")
PIPELINE, TESTER = "AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"  # whose requests are whose: ids of access keys


@dataclass
class _Fault:
    pattern: re.Pattern[str]
    kind: str
    times: int
    after: int


class Cloud:
    """A running AWS. It starts empty; entering a second one empties the first, as moto's state is the process's."""

    def __init__(self) -> None:
        self.redshift_password = "from-iam"
        self.requests: list[Request] = []
        self.asked: Callable[[Request], None] = lambda request: None
        """Called before each request is answered: what it waits for, the client waits for."""
        self.waiting = threading.Event()
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self._allowed: list[str] | None = None
        self.policy: Policy | None = None
        self._gate = threading.Event()
        self._closed = False
        self._session = boto3.session.Session()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._moto.get_backend_for_host = cache(
            self._moto.get_backend_for_host
        )  # it would list moto's folder each time
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Cloud:
        moto_api_backend.reset()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to find this AWS and no other."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": PIPELINE,
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    @property
    def kwargs(self) -> dict[str, str]:
        """The same for ``boto3.client`` in this process, as somebody whom no policy binds."""
        env = self.environment
        return {
            "endpoint_url": self.endpoint,
            "region_name": REGION,
            "aws_access_key_id": TESTER,
            "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
        }

    def client(self, service: str, **more: Any) -> Any:
        """A boto3 client of this AWS, one for each service; making one is not safe in several threads, so that takes turns."""
        with self._lock:
            if more:
                return self._session.client(service, **self.kwargs, **more)
            if service not in self._clients:
                self._clients[service] = self._session.client(service, **self.kwargs)
            return self._clients[service]

    def forget(self) -> None:
        """Empty the list of requests."""
        self.requests.clear()

    def fault(self, match: str, kind: str, times: int = 1, after: int = 0) -> None:
        """Disturb requests to come.

        Args:
            match: a regex, searched for in ``<service> <METHOD> <path>?<query>``; the query is not quoted.
            kind: ``slow_down``, ``expired``, ``denied`` and ``error`` are answers in AWS's words, and nothing is done.
                ``hang``: no answer before ``release()``; then the request is done, if its client is still there.
                ``cut``: the request is done; half of the answer's body comes, or no answer where it has no body.
            times: so many requests; -1 is until ``calm()``.
            after: so many matching requests pass first.
        """
        if kind not in KINDS:
            raise ValueError(f"no such fault: {kind}; there are {', '.join(KINDS)}")
        with self._lock:
            self._faults.append(_Fault(re.compile(match), kind, times, after))

    def calm(self) -> None:
        """No more faults. Requests that hang go on hanging."""
        with self._lock:
            self._faults.clear()

    def release(self) -> None:
        """Let the requests go that hang."""
        with self._lock:
            gate, self._gate = self._gate, threading.Event()
            self.waiting.clear()
        gate.set()

    def bound_by(self, policy: Policy | None) -> None:
        """Let the pipeline do what a policy of IAM allows, and nothing else; None binds nobody."""
        self.policy = policy

    def only(self, actions: list[str] | None) -> None:
        """Allow just these IAM actions, ``*`` and ``?`` as in IAM; None allows all. Resources do not count."""
        self._allowed = actions

    def _answer(self, environ: dict[str, Any], start_response: Start) -> Answer:
        """The middleware. The whole body is read first: half of one must never become an object."""
        body = _read(environ)
        request = _understand(environ, body)
        self.requests.append(request)
        self.asked(request)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            request.status = int(status.split()[0])
            return start_response(status, headers, exc_info)

        kind = self._fault(request, environ["QUERY_STRING"])
        if kind in ERRORS:
            return refuse(request, kind, "planned by the test", start)
        if kind == "hang":
            self._hang(environ)
        if action := missing(
            needed(request.service, request.method, request.path, request.query, request.headers), self._allowed
        ):
            return refuse(request, "denied", not_authorized(action), start)
        if self.policy and request.key == PIPELINE and (call := self.policy.refuses(calls(request, body))):
            return refuse(request, "denied", not_authorized(f"{call.action} on {call.resource} ({call.prefix})"), start)
        if answer := credentials(request, body, self.redshift_password, start):
            return answer
        if "uploadId" in request.query and "if-none-match" in request.headers and self._exists(request.path):
            return refuse(request, "exists", "At least one of the pre-conditions you specified did not hold", start)
        return self._pass(environ, request, start, kind == "cut")

    def _exists(self, path: str) -> bool:
        """Whether there is an object: moto itself does not look when an upload in parts is completed."""
        bucket, _, key = path.partition("/")
        return key in {
            item["Key"] for item in self.client("s3").list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
        }

    def _fault(self, request: Request, query: str) -> str:
        text = f"{request.service} {request.method} {request.path}?{unquote(query)}"
        with self._lock:
            for fault in self._faults:
                if not fault.times or not fault.pattern.search(text):
                    continue
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= fault.times > 0
                return fault.kind
        return ""

    def _hang(self, environ: dict[str, Any]) -> None:
        with self._lock:
            gate = self._gate
            self.waiting.set()
        gate.wait()
        if self._closed or _gone(environ["werkzeug.socket"]):
            _drop(environ)

    def _pass(self, environ: dict[str, Any], request: Request, start: Start, cut: bool) -> Answer:
        """Moto's answer, or half of it."""
        found: dict[str, Any] = {}

        def keep(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            found.update(status=status, headers=headers)

        content = self._moto(environ, keep)
        whole = b"".join(content)
        if hasattr(content, "close"):
            content.close()
        # Who may not list a bucket does not hear from S3 which keys are missing in it.
        hidden = found["status"].startswith("404") and request.service == "s3" and "/" in request.path
        if hidden and missing(["s3:ListBucket"], self._allowed):
            return refuse(request, "denied", not_authorized("s3:ListBucket"), start)
        if cut and not whole:
            _drop(environ)
        headers = [(k, v) for k, v in found["headers"] if k.lower() != "content-length" or not whole]
        start(found["status"], [*headers, ("Content-Length", str(len(whole)))] if whole else headers)
        return [whole[: len(whole) // 2]] if cut else [whole]


class _Quiet(MotoRequestHandler):
    """No line per request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def _read(environ: dict[str, Any]) -> bytes:
    """The request's body; a client that dies while sending it gets nothing done."""
    stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH")
    try:
        chunked = environ.pop("HTTP_TRANSFER_ENCODING", "") == "chunked"
        body: bytes = stream.read() if chunked else stream.read(int(length or 0))
    except OSError:
        _drop(environ)
    if not chunked and len(body) < int(length or 0):
        _drop(environ)
    environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    return body


def _understand(environ: dict[str, Any], body: bytes) -> Request:
    headers = {k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k.startswith("HTTP_")}
    headers |= {"content-length": environ["CONTENT_LENGTH"], "content-type": environ.get("CONTENT_TYPE", "")}
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    scope = r"([^/]+)/\d+/[^/]+/([^/]+)/aws4_request"
    signed = re.search(f"Credential={scope}", headers.get("authorization", ""))
    signed = signed or re.fullmatch(scope, query.get("X-Amz-Credential", ""))
    key, service = signed.groups() if signed else ("", "unsigned")
    form = headers["content-type"].startswith("application/x-www-form-urlencoded")
    path = operation(service, headers.get("x-amz-target", ""), form, body)
    path = path or environ["PATH_INFO"].encode("latin-1").decode().lstrip("/")
    return Request(service, environ["REQUEST_METHOD"], path, query, headers, key=key)


def _gone(connection: socket.socket) -> bool:
    """Whether the client has closed its end; it has said all it had to say, so anything readable is that end."""
    return bool(select.select([connection], [], [], 0)[0])


def _drop(environ: dict[str, Any]) -> NoReturn:
    """Close the connection without an answer. The socket is shut here: Werkzeug would wait for another request."""
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("dropped")
