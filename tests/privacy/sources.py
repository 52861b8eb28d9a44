"""Sources whose every tagged field holds a marker, in all shapes and all kinds of trouble."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.dlt_sources.shop import parquet

_HEAD = "from decimal import Decimal\nfrom pydantic import field_validator, model_validator\nfrom pydantic_core import PydanticCustomError\nfrom dlt_sources._steps.contracts.contract import Contract, column, checked_only\n"
CONTRACTS = {
    "clinic": '''
class Patient(Contract):
    """A record with nested, renamed and tagged fields, the parent of two tables."""

    patient_id: int = column("key")
    ssn: str = column("number", path=["ssn", "social_number"], pii="hash", max_length=40)
    email: str = column("mail", path="contact.email", pii="hash", max_length=60, pattern="^[^ ]+$")
    phone: str | None = column("phone", path="contact.phone", pii="drop", default=None)
    street: str | None = column("street", path="address.street", pii="drop", default=None)
    country: str | None = column("not personal", path="address.country", max_length=40, default=None)
    note: str | None = column("not personal", max_length=60, default=None)
    age: int = column("age", ge=0, le=150)
    weight: float | None = column("not personal", default=None)
    visits: list = checked_only("visits", default=[])

    @field_validator("email")
    @classmethod
    def _mail(cls, value: str) -> str:
        if "@" not in value:
            raise PydanticCustomError("no_mail", "{value} is not an address", {"value": value})
        return value

    @model_validator(mode="after")
    def _grown(self):
        if self.age < 18:
            raise ValueError(f"{self.email}, {self.phone} and {self.ssn} of {self.street} are a child's")
        assert self.age != 99, f"{self.email} is 99"
        return self


class Visit(Contract):
    """One visit: an element of its patient's list. Tags nothing of its record."""

    patient_id: int = column("patient", path="_parent.patient_id")
    number: int = column("place", path="_index")
    doctor: str = column("not personal", max_length=40)
    diagnosis: str = column("personal", pii="drop", path="findings[0].text")


class Bill(Contract):
    """Another list of the same record, with tags of its own."""

    patient_id: int = column("patient", path="_parent.patient_id")
    number: int = column("place", path="_index")
    amount: Decimal = column("not personal", max_digits=8, decimal_places=2)
    iban: str = column("personal", pii="hash", max_length=40)


class Plain(Contract):
    """A list of the same record without any tag."""

    patient_id: int = column("patient", path="_parent.patient_id")
    number: int = column("place", path="_index")
    what: str = column("not personal", max_length=5)


class Member(Contract):
    """Found again by a key that is personal."""

    email: str = column("key", pii="hash", max_length=60)
    name: str | None = column("name", pii="drop", default=None)
    level: int = column("not personal", ge=0)
''',
    "letters": '''
class Letter(Contract):
    """A line of a file."""

    file: str = column("file", path="_file", max_length=100)
    number: int = column("number", ge=0)
    email: str = column("mail", pii="hash", max_length=60)
    text: str | None = column("text", pii="drop", default=None)
''',
    "board": '''
class Player(Contract):
    """A row of a page."""

    player: str = column("who", pii="hash", max_length=60)
    score: int = column("not personal", ge=0)
''',
    "own": '''
class Thing(Contract):
    """Whatever extract.py yields."""

    id: int = column("id", ge=0)
    email: str = column("mail", pii="hash", max_length=60)
''',
}
EXTRACT = """
from dlt_sources.door import SourceError
def things(request, values):
    yield {"id": 1, "email": "mkown0@x.org"}
    yield {"id": -1, "email": "mkown1@x.org"}
    if values["trouble"] == "more":
        yield {"id": 2, "email": "mkown4@x.org"}
    if values["trouble"] == "known":
        raise SourceError("the row of mkown2@x.org is odd")
    if values["trouble"] == "unknown":
        raise LookupError("mkown3@x.org")
"""
PEOPLE = [
    {
        "patient_id": 1,
        "ssn": "mkssn01",
        "contact": {"email": "mkmail01@x.org", "phone": "mkphone01"},
        "age": 40,
        "address": {"street": "mkstreet01", "country": "nl"},
        "visits": [{"doctor": "d", "findings": [{"text": "mkdiag01"}]}],
        "bills": [{"amount": "1.50", "iban": "mkiban01"}],
        "plains": [{"what": "w"}],
    },
    # renamed; too young: the contract's own message names everything; what hangs on it is rejected with it
    {
        "patient_id": 2,
        "social_number": "mkssn02",
        "contact": {"email": "mkmail02@x.org", "phone": "mkphone02"},
        "age": 7,
        "address": {"street": "mkstreet02"},
        "visits": [{"doctor": "d", "findings": [{"text": "mkdiag02"}]}],
        "bills": [{"amount": "2", "iban": "mkiban02"}],
        "plains": [{"what": "w"}],
    },
    # rejected for another reason; a copy of a tagged value in an untagged field and in one that nobody knows
    {
        "patient_id": 3,
        "ssn": "mkssn03",
        "contact": {"email": "mkmail03@x.org"},
        "age": -1,
        "note": "call MKMAIL03@x.org",
        "friends": ["mkmail03@x.org"],
        "address": {"street": "mkstreet03", "country": "mkstreet03"},
    },
    # values where they should not be: an object for a text, a text for an object, a list for an object
    {
        "patient_id": 4,
        "ssn": {"number": "mkssn04"},
        "contact": "mkmail04@x.org",
        "age": "mkphone04",
        "weight": "mkmail04@x.org",
        "address": "mkstreet04",
        "note": ["mkmail04@x.org"],
    },
    {
        "patient_id": 5,
        "ssn": ["mkssn05"],
        "contact": [{"email": "mkmail05@x.org"}],
        "age": 20,
        "note": {"a": "mkmail05@x.org"},
    },
    # tagged fields that are wrong themselves: a message of Pydantic's, a custom one, an assertion
    {"patient_id": 6, "ssn": "mkssn06" * 9, "contact": {"email": "mkmail06 x.org"}, "age": 20},
    {"patient_id": 7, "ssn": "mkssn07", "contact": {"email": "mkmail07"}, "age": 20},
    {"patient_id": 8, "ssn": "mkssn08", "contact": {"email": "mkmail08@x.org"}, "age": 99},
    # good records with bad elements: the record and the other elements are of other tables
    {
        "patient_id": 9,
        "ssn": "mkssn09",
        "contact": {"email": "mkmail09@x.org", "phone": "mkphone09"},
        "age": 30,
        "address": {"street": "mkstreet09"},
        "note": "plain",
        "visits": [
            {"findings": [{"text": "mkdiag09"}]},
            {"doctor": "mkmail09@x.org" * 5, "findings": "mkdiag09c"},
            "mkdiag09d",
        ],
        "bills": [{"amount": "mkiban09", "iban": "mkiban09"}, {"iban": {"a": "mkiban09b"}}],
        "plains": [{"what": "much too long"}, {"what": {"ssn": "mkssn09"}}],
    },
]
MEMBERS = [{"email": f"mkmember{n:02}@x.org", "name": f"mkname{n:02}", "level": n - 1} for n in range(5)]
FILES = {
    "good.csv": b"number,email,text\n1,mkcsv01@x.org,mktext01\n-2,mkcsv02@x.org,mktext02\nmkcsv03@x.org,3,mktext03\n4,mkcsv04@x.org,mktext04,mktext05\n\xff,mkcsv06@x.org,mktext06\n",
    "headless.csv": b"1,mkcsv11@x.org,mktext11\n2,mkcsv12@x.org,mktext12\n",
    "twice.csv": b"mkcsv13@x.org,mkcsv13@x.org\n",
    "quote.csv": b'number,email,text\n1,mkcsv14@x.org,"mktext14"x\n2,mkcsv15@x.org,mktext15\n',
    "cut.parquet": parquet(number=[1], email=["mkcsv16@x.org"], text=["mktext16"])[:-9] + b"mkcsv17@x",
    "rows.parquet": parquet(number=[1, -1], email=["mkcsv18@x.org", "mkcsv19@x.org"], text=["mktext18", "mktext19"]),
}
HEAD = "<table><thead><tr><th>player</th><th>score</th></tr></thead><tbody>"
PAGES = {
    "good": f"{HEAD}<tr><td>mkplayer01</td><td>5</td></tr><tr><td>mkplayer02</td><td>none</td></tr></tbody></table>",
    "crooked": f"{HEAD}<tr><td>mkplayer03</td><td>5</td><td>mkplayer04</td></tr></tbody></table>",
    "headless": "<table><thead><tr><th>mkplayer05</th><th>mkplayer06</th></tr></thead><tr><td>a</td><td>1</td></tr></table>",
}
MARKERS = [
    *(f"mk{kind}{n:02}" for kind in ("ssn", "mail", "phone", "street", "diag", "iban") for n in range(1, 10)),
    *(f"mk{kind}{n:02}" for kind in ("member", "name", "csv", "text", "player") for n in range(20)),
    *(f"mkown{n}" for n in range(5)),
    *(f"mkanswer{n}" for n in range(9)),
    "mkparam",
    "mkdriver",
    "mkrow",
]


class Trouble:
    """What the server answers: `people` and `members` as JSON, pages by name, or a fault."""

    def __init__(self) -> None:
        self.people, self.members, self.page, self.fault = PEOPLE, MEMBERS, "good", ""

    def respond(self, path: str, query: dict[str, list[str]], number: int) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) of a request."""
        if self.fault == "refused":
            return 400, {}, b'{"error": "mkanswer1 is unknown"}'
        if self.fault == "moved" and "mkanswer" not in path:
            return 302, {"location": "/mkanswer2/people"}, b""
        if self.fault == "moved":
            return 404, {}, b"mkanswer3"
        if self.fault == "elsewhere":
            return 302, {"location": "http://mkanswer4.example.org/"}, b""
        if self.fault == "half":
            return 200, {"content-type": "mkanswer5"}, b'[{"email": "mkanswer6"'
        if path == "/rank":
            return 200, {"content-type": "text/html"}, PAGES[self.page].encode()
        return 200, {}, json.dumps(self.people if path == "/people" else self.members).encode()


def declare(folder: Path, url: str, inbox: Path, trouble: str = "") -> Path:
    """Write the sources; returns their folder."""
    endpoint = {"path": "people", "params": {"q": "${PRIVATE_QUERY}"}}
    child = {"from": "patients", "parent_key": ["patient_id"], "key": ["patient_id", "number"]}
    web = {"base_url": url, "attempts": 1}
    files = {"Letter": {"key": ["file", "number"], "mode": "append", "files": ["*.csv", "*.parquet"]}}
    declared = {
        "clinic": (
            "rest_api",
            web,
            {
                "patients": {"contract": "Patient", "key": ["patient_id"], "deletes": "soft", "endpoint": endpoint},
                "visits": {"contract": "Visit", "explode": "visits", **child},
                "bills": {"contract": "Bill", "explode": "bills", **child},
                "plains": {"contract": "Plain", "explode": "plains", **child},
                "members": {
                    "contract": "Member",
                    "key": ["email"],
                    "deletes": "reconcile",
                    "endpoint": {"path": "members"},
                },
            },
        ),
        "letters": ("files", {"url": str(inbox)}, {"letters": {"contract": "Letter", **files["Letter"]}}),
        "board": ("html_table", web, {"players": {"contract": "Player", "key": ["player"], "page": "rank"}}),
        "own": ("python", {"values": {"trouble": trouble or "none"}}, {"things": {"contract": "Thing", "key": ["id"]}}),
    }
    for name, (connector, connection, tables) in declared.items():
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        limits = {"max_rejected": {"share": 1, "rows": 1000}}
        content = {
            "description": name,
            "owner": "me",
            "schedule": "0 6 * * *",
            "connector": connector,
            "connection": connection,
            "tables": {table: limits | rest for table, rest in tables.items()},
        }
        (place / "source.yml").write_text(yaml.safe_dump(content))
        (place / "contract.py").write_text(_HEAD + CONTRACTS[name])
    (folder / "own" / "extract.py").write_text(EXTRACT)
    inbox.mkdir(exist_ok=True)
    for name, body in FILES.items():
        (inbox / name).write_bytes(body)
    return folder
