"""What AWS says in its several protocols: errors, and the passwords that Redshift gives to IAM identities."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

# kind: HTTP status, and the code in XML for S3, in JSON, in XML for the query services
ERRORS = {
    "slow_down": (503, "SlowDown", "ThrottlingException", "Throttling"),
    "expired": (400, "ExpiredToken", "ExpiredTokenException", "ExpiredToken"),
    "denied": (403, "AccessDenied", "AccessDeniedException", "AccessDenied"),
    "exists": (412, "PreconditionFailed", "PreconditionFailed", "PreconditionFailed"),
    "error": (500, "InternalError", "InternalServiceException", "InternalFailure"),
}
JSON = "application/x-amz-json-1.1"
Answer = Iterable[bytes]
Start = Callable[..., Any]


@dataclass
class Request:
    """One request as it came. `status` is 0 until it is answered, and for ever where no answer was given.

    `path` is ``bucket/key`` for S3; for services that name an operation, Glue's ``GetTable`` say, it is that name.
    """

    service: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int = 0
    key: str = ""  # whose: the id of the access key that signed it

    @property
    def target(self) -> str:
        """What a JSON service is asked to do; empty for the others."""
        return self.headers.get("x-amz-target", "")


def refuse(request: Request, kind: str, message: str, start: Start) -> Answer:
    """An error in the words of the request's protocol. An answer to HEAD has no body, and so no code, as in S3."""
    status, s3, in_json, in_query = ERRORS[kind]
    if request.method == "HEAD":
        return reply(status, "application/xml", "", start)
    if request.target:
        return reply(status, JSON, json.dumps({"__type": in_json, "message": message}), start)
    text = f"<Code>{{}}</Code><Message>{escape(message)}</Message>"
    if request.service in ("s3", "unsigned"):
        return reply(status, "application/xml", f"<Error>{text.format(s3)}</Error>", start)
    error = f"<ErrorResponse><Error><Type>Sender</Type>{text.format(in_query)}</Error></ErrorResponse>"
    return reply(status, "text/xml", error, start)


def not_authorized(action: str) -> str:
    """IAM's words for what an identity may not do."""
    return (
        f"User: arn:aws:iam::123456789012:user/millrace is not authorized to perform: {action} "
        f"because no identity-based policy allows the {action} action"
    )


def credentials(request: Request, body: bytes, password: str, start: Start) -> Answer | None:
    """Redshift's user and password for an hour, where that is asked for.

    moto knows no Redshift Serverless, and for clusters makes up a password that no test knows.
    """
    call, until = (request.service, request.path), datetime.now(UTC) + timedelta(hours=1)
    if call == ("redshift-serverless", "GetCredentials"):
        values = {"dbUser": "IAM:millrace", "dbPassword": password, "expiration": until.timestamp()}
        return reply(200, JSON, json.dumps(values), start)
    if call in (("redshift", "GetClusterCredentials"), ("redshift", "GetClusterCredentialsWithIAM")):
        name = request.path
        user = "IAM:" + parse_qs(body.decode()).get("DbUser", ["millrace"])[0]
        text = (
            f"<{name}Response xmlns='http://redshift.amazonaws.com/doc/2012-12-01/'><{name}Result>"
            f"<DbUser>{escape(user)}</DbUser><DbPassword>{escape(password)}</DbPassword>"
            f"<Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></{name}Result>"
            f"<ResponseMetadata><RequestId>test</RequestId></ResponseMetadata></{name}Response>"
        )
        return reply(200, "text/xml", text, start)
    return None


def reply(status: int, kind: str, text: str, start: Start) -> Answer:
    """Start an answer and give its body."""
    body = text.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("x-amz-request-id", "test")]
    start(f"{status} {'OK' if status == 200 else 'Error'}", headers)
    return [body]
