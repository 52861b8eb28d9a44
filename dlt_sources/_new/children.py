"""Endpoints below each record of an API, such as orders/17/items: those that records link to, and those that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

import requests
from pydantic import ValidationError

from settings import Settings

from .._steps.contracts.text import parse
from .._steps.declared.endpoint import Endpoint
from .._steps.declared.names import field_name
from .._steps.declared.placeholders import expand
from .._steps.declared.source_error import GONE, SourceError
from .._steps.web.raw_json import NotJsonError
from .._steps.web.selector import Selector
from .answers import find_records
from .fields import Field, Found, singular_of
from .leaves import take_apart
from .origin import Origin
from .probe import Asking, as_json
from .rows import NESTED
from .sample_error import SampleError
from .write import shown_path

LOOKED_AT = 50
"""Records whose links are compared."""
MOST_LINKS, MOST_GUESSES, MOST = 8, 8, 4
"""Addresses of one record that are asked for: those that records link to, and others; and tables that are made of them."""
_TRIES = 3
"""Records that are asked for until one has rows."""
_USUAL = ("items", "lines", "entries", "details", "comments", "events", "payments", "history")
_COUNTS = ("_count", "Count", "_total")
"""How a name ends that says how many rows of another name a record has."""
_NOWHERE = "no-such-endpoint"
"""What no API has below a record: one that answers all the same answers to anything."""
_NOT_HERE = (*GONE, requests.codes.bad_request, requests.codes.not_allowed)


@dataclass
class Child:
    """An endpoint that can be asked for each record.

    Attributes:
        name: its table's.
        holder: the field of the record that its address is made of; its path is what stands in braces.
        endpoint: as source.yml declares it.
        said: how it was found, in words.
        problem: why it is not declared, in words; "" where it answered with records. refused: it did not answer at all.
        records: those of the record that was asked for.
    """

    name: str
    holder: Field
    endpoint: dict[str, Any]
    said: str
    problem: str = ""
    refused: bool = False
    records: list[Any] = field(default_factory=list)


def find_children(
    origin: Origin, parent: Found, records: Sequence[Mapping[str, Any]], settings: Settings
) -> list[Child]:
    """The endpoints below each record: asked for one record, so that it is known what they answer.

    Args:
        records: the sample's.
    """
    holders = list(_holders(parent, len(records)))
    if not holders:
        return []
    asker = _Asker(origin, parent, records, settings)
    linked = _templates(asker.base, holders, records[:LOOKED_AT])
    found = [
        child
        for link in list(linked)[:MOST_LINKS]
        if (child := asker.look(link, f"`{linked[link]}` of its records leads there"))
    ]
    if not found and holders[0].name in parent.key:  # an API that links to them links to all of them
        found += asker.guess(holders[0], records)
    return found


Link = tuple[str, tuple[tuple[str, str], ...], str]
"""A path with a placeholder, its parameters, and the name of the field that the placeholder stands for."""


def _holders(parent: Found, count: int) -> Iterator[Field]:
    """The fields that an address may be made of, the key first: each record has another text or number there."""
    for found in sorted(parent.fields, key=lambda f: f.name not in parent.key):
        if (
            found.pii
            or not found.leaf
            or not all(isinstance(part, str) and re.fullmatch(r"[\w-]+", part) for part in found.path)
        ):
            continue
        values = found.leaf.values
        usable = all(isinstance(value, str | int) and not isinstance(value, bool) and value != "" for value in values)
        if usable and len(set(values)) == count and (found.name in parent.key or count > 1):
            yield found


def _templates(base: str, holders: Sequence[Field], records: Sequence[Mapping[str, Any]]) -> dict[Link, str]:
    """What records link to below their own address, each with the name of the value that is the link."""
    found: dict[Link, str] = {}
    for leaf in take_apart(records).leaves:
        links = [(number, value) for number, value in enumerate(leaf.values) if _is_link(value)]
        if not links or len(links) < len(leaf.there):
            continue
        for holder in holders:
            assert holder.leaf is not None
            made = {_template(base, value, holder, holder.leaf.values[number]) for number, value in links}
            if len(made) == 1 and (link := made.pop()):
                found.setdefault(link, shown_path(leaf.path))
                break
    return found


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://", "/")) and not set(value) & set("{}\\ ")


def _template(base: str, link: str, holder: Field, value: Any) -> Link | None:
    """A link with the record's value replaced; None: it does not lead below the API's address, or to the record itself."""
    try:
        whole, root = urlsplit(urljoin(f"{base}/", link)), urlsplit(base)
    except ValueError:
        return None
    if (whole.scheme, whole.netloc) != (root.scheme, root.netloc) or not whole.path.startswith(f"{root.path}/"):
        return None
    parts = whole.path.removeprefix(f"{root.path}/").strip("/").split("/")
    hole = "{" + ".".join(map(str, holder.path)) + "}"
    path = [hole if unquote(part) == str(value) else part for part in parts]
    params = tuple((name, hole if text == str(value) else text) for name, text in parse_qsl(whole.query))
    filled = path.count(hole) + sum(text == hole for _, text in params)
    return ("/".join(path), params, holder.name) if filled == 1 and path[-1] != hole else None


class _Asker:
    """Asks the addresses of one record, each once, or until a record has rows there."""

    def __init__(self, origin: Origin, parent: Found, records: Sequence[Mapping[str, Any]], settings: Settings) -> None:
        self.origin, self.parent, self.settings = origin, parent, settings
        self.base = expand(origin.connection["base_url"], settings).rstrip("/")
        self.names = {parent.name, *parent.lists}
        self.own = [dict(record) for record in records[:LOOKED_AT]]

    def look(self, link: Link, said: str) -> Child | None:
        """What the address answers for a record; None: nothing that could be a table."""
        path, params, holder_name = link
        holder, name = self.parent.field(holder_name), self._name_of(path)
        if not name:
            return None
        endpoint: dict[str, Any] = {"path": path, "for_each": self.parent.name}
        endpoint |= {"params": dict(params)} if params else {}
        child = Child(name, holder, endpoint, said)
        try:
            Endpoint.model_validate(endpoint)
            self._ask(child)
        except ValidationError:  # it would hold a secret, or lead elsewhere
            return None
        except requests.RequestException:
            child.refused, child.problem = True, "it could not be read"
        except SourceError as error:
            if error.status in _NOT_HERE:
                return None
            child.refused = True
            child.problem = f"it answered {error.status}" if error.status else "it could not be read"
        except (SampleError, NotJsonError, LookupError):
            return None
        if not child.problem and not child.records:
            child.problem = f"it has no row for the first {min(_TRIES, len(self.own))} records"
        self.names.add(name)
        return child

    def guess(self, holder: Field, records: Sequence[Mapping[str, Any]]) -> list[Child]:
        """Endpoints that no record names, and that many APIs have below a record."""
        path = self.origin.place["endpoint"]["path"].strip("/")
        if not path or "{" in path:
            return []
        hole = "{" + ".".join(map(str, holder.path)) + "}"
        names = dict.fromkeys([*_counted(records), *_USUAL])
        found: list[Child] = []
        for name in list(names)[:MOST_GUESSES]:
            child = self.look(
                (f"{path}/{hole}/{name}", (), holder.name), "no record names it, and it answered when it was tried"
            )
            if child and child.refused:
                break  # it wants another login, or rest: it is not asked any more
            found += [child] if child else []
        nowhere = self.look((f"{path}/{hole}/{_NOWHERE}", (), holder.name), "") if found else None
        return [] if nowhere and not nowhere.refused else found

    def _name_of(self, path: str) -> str | None:
        """A table's name for what an address is called; None: another table has it."""
        last = next((part for part in reversed(path.split("/")) if "{" not in part), "")
        name = field_name(unquote(last))
        if name in self.names or name == "field":
            return None
        name = f"{singular_of(self.parent.name)}_{name}" if name in NESTED else name
        return None if name in self.names else name

    def _ask(self, child: Child) -> None:
        """Fill in where the records of the answer are, and how it is paged.

        Raises:
            SourceError: it refuses. SampleError, NotJsonError, LookupError: it answers with something else.
        """
        assert child.holder.leaf is not None
        for value in child.holder.leaf.values[:_TRIES]:
            place = {"endpoint": _fill_in(child.endpoint, child.holder, value)}
            origin = replace(self.origin, place=place, table=child.name, text=child.endpoint["path"], notes=[])
            asking = Asking(origin, self.settings, place["endpoint"].get("params", {}), attempts=1)
            answer = as_json(asking.get({}), origin)
            selector = find_records(answer.content, child.name)
            if "`parent`" in selector:
                child.problem = "it answers with one object, not with a list of records"
                return
            raw = Selector(selector).find(answer.body)
            if not raw:
                continue
            child.records = [parse(bytes(record).decode()) for record in raw]
            if any(record in self.own for record in child.records):
                raise SampleError("these are the records themselves")
            child.endpoint |= {"data_selector": selector} if selector != "$" else {}
            if paginator := asking.find_pages(answer, selector, origin):
                child.endpoint["paginator"] = paginator
            return


def _counted(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Names of which a record says how many there are, such as `lines` by `lines_count`."""
    for name, value in (records[0] if records else {}).items():
        for ending in _COUNTS:
            if isinstance(value, int) and name.endswith(ending) and len(name) > len(ending):
                yield name.removesuffix(ending)


def _fill_in(endpoint: Mapping[str, Any], holder: Field, value: Any) -> dict[str, Any]:
    """An endpoint as it is asked for one record."""
    hole = "{" + ".".join(map(str, holder.path)) + "}"
    params = {name: str(value) if text == hole else text for name, text in endpoint.get("params", {}).items()}
    path = endpoint["path"].replace(hole, quote(str(value), safe=""))
    return {"path": path} | ({"params": params} if params else {})
