"""The parts of a JSON answer as the bytes that they came in: records are landed to the letter.

msgspec splits what is strictly JSON. Where an answer has what only most parsers read (`NaN`, half surrogate pairs, control
characters in texts), msgspec splits a copy that has other characters in these places, and Python's own scanner, which is slower, reads
the parts with such a place. A record of this kind lands like the others, and refine judges it.
"""

from __future__ import annotations

import codecs
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

import msgspec
import pyarrow as pa
from requests.utils import guess_json_utf

from ..declared.source_error import quote_value

_LISTS = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)
_BLANK = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r"\S{1,30}")

_CONTROLS = bytes({*range(32)} - {*b"\t\n\r"}), bytes(range(32))
"""Characters that no text in JSON may have; blanks may be between values, and count only where the others do not explain it."""
_CONSTANTS = re.compile(rb"NaN(?![\w.])"), re.compile(rb"Infinity(?![\w.])")
_HALVES = re.compile(
    rb"\\u[dD](?:[c-fC-F][0-9a-fA-F]{2}|[89abAB][0-9a-fA-F]{2}(?P<other>\\u[dD][c-fC-F][0-9a-fA-F]{2})?)"
)
Path = tuple[str | int, ...]


class NotJsonError(ValueError):
    """The text is not JSON; says where and what stands there.

    Attributes:
        text: what is wrong, for the text of a `SourceError`; what stands there comes from `quote_value`.
        cut: the text ends too early: the answer was cut off.
    """

    def __init__(self, text: str, found: str = "", *, cut: bool = False) -> None:
        super().__init__(f"{text}: {found}" if found else text)
        self.text = f"{text}: {quote_value(found)}" if found else text
        self.cut = cut


def utf8(body: bytes, charset: str | None) -> bytes:
    """A JSON text in UTF-8: that is what JSON is in, unless a byte order mark or the pattern of its zeros says UTF-16 or
    UTF-32, or it is not UTF-8 at all and is in the `charset` that the server names.

    Bytes that are in no known encoding stay: `elements` makes their records ones that refine rejects.
    """
    encoding = guess_json_utf(body[:16]) or "utf-8"
    if encoding not in ("utf-8", "utf-8-sig"):
        try:
            return body.decode(encoding).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise NotJsonError(f"it is not {encoding} at byte {error.start}", cut=error.end >= len(body)) from None
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        str(body, "utf-8")
    except UnicodeDecodeError:
        try:
            return body.decode(charset or "utf-8").encode()
        except (LookupError, UnicodeError):
            pass
    return body


def inside(body: bytes, path: Path) -> bytes | None:
    """The value at a path, as bytes; None: there is none.

    Raises:
        NotJsonError: it is not JSON.
    """
    for part in path:
        found = _object(body) if isinstance(part, str) else _list(body)
        try:
            body = bytes(found[part])  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def elements(body: bytes) -> list[msgspec.Raw] | None:
    """The elements of a list, each as JSON text in UTF-8; None: it is not a list.

    A byte that is not UTF-8 is written as ``\\xNN``, which no JSON has: its record is rejected, and the others are not.

    Raises:
        NotJsonError: it is not JSON.
    """
    found = _list(body)
    if found is None:
        return None
    try:
        str(body, "utf-8")
    except UnicodeDecodeError:
        return [msgspec.Raw(bytes(raw).decode("utf-8", "backslashreplace").encode()) for raw in found]
    return found


def scalars(body: bytes, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What stands in an answer beside its lists: path and value of every text, number and constant of its objects."""
    for name, raw in (_object(body) or {}).items():
        value = bytes(raw)
        if value[:1] == b"{" and len(path) < 4:
            yield from scalars(value, (*path, name))
        elif value[:1] not in b"[{":
            yield (*path, name), json.loads(value.decode("utf-8", "replace"), strict=False, parse_int=_whole)


def load(body: bytes) -> Any:
    """The whole answer as Python's objects, for those who look for a cursor or a link in it."""
    try:
        return json.loads(body.decode("utf-8", "replace"), strict=False, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise _explain(error) from None
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None


def keys(body: bytes) -> list[str]:
    """The keys of an object, for people to read."""
    return list(_object(body) or {})


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 4000 else float("inf")


def _list(body: bytes) -> list[msgspec.Raw] | None:
    found: list[msgspec.Raw] | bool | None = _strictly(_LISTS, body)
    if isinstance(found, bool):
        found = _by_a_copy(_LISTS, body)
        found = _loosely(body, list) if found is None else found
    assert not isinstance(found, bool)
    return found


def _object(body: bytes) -> dict[str, msgspec.Raw] | None:
    found: dict[str, msgspec.Raw] | bool | None = _strictly(_OBJECTS, body)
    if isinstance(found, bool):
        found = _by_a_copy(_OBJECTS, body)
        found = _loosely(body, dict) if found is None else found
    assert not isinstance(found, bool)
    return found


def _strictly(decoder: Any, body: bytes) -> Any:
    """What msgspec makes of it; None: it is JSON of another kind, False: msgspec does not read it."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None


def _by_a_copy(decoder: Any, body: bytes) -> Any:
    """What msgspec makes of a copy in which characters that are JSON, as many, are in the odd places; of the parts with such a place the
    original. None: it does not read that either, or a place is in none of the parts, or such a part is not JSON at all.
    """
    try:
        str(body, "utf-8")
    except UnicodeDecodeError:
        return None
    for controls in _CONTROLS:
        copy, places = _put_other(body, controls)
        if found := _strictly(decoder, copy):
            break
    else:
        return None
    begin = int(pa.py_buffer(copy).address)
    order = sorted(found, key=lambda name: _address(found[name])) if isinstance(found, dict) else range(len(found))
    original, end = {}, 0
    for place in places:
        if place < end:  # it is in the same part
            continue
        at = bisect_right(order, begin + place, key=lambda name: _address(found[name])) - 1
        if at >= 0:
            first = _address(found[order[at]]) - begin
            end = first + memoryview(found[order[at]]).nbytes
        if place < end:
            original[order[at]] = part = body[first:end]
            if not _is_loose(part):
                return None
        elif isinstance(found, dict) or body[place : place + 1] not in b"\t\n\r":  # it may be in a key
            return None
    for name, part in original.items():
        found[name] = msgspec.Raw(part)
    return found


def _address(raw: msgspec.Raw) -> int:
    return int(pa.py_buffer(raw).address)


def _put_other(body: bytes, controls: bytes) -> tuple[bytes, list[int]]:
    """A copy with characters of JSON in the place of what may be odd, as many; and where it may be."""
    copy = bytearray(body.translate(bytes.maketrans(controls, b" " * len(controls))))
    places = [] if copy == body else [found.start() for found in re.finditer(b"[%s]" % re.escape(controls), body)]
    for constant in _CONSTANTS:
        for found in constant.finditer(body):
            first, last = found.span()
            copy[first:last] = b"1" * (last - first)
            places.append(first)
    for found in _HALVES.finditer(body):
        if not found["other"]:
            copy[found.start() + 2 : found.end()] = b"0041"
            places.append(found.start())
    return bytes(copy), sorted(places)


def _is_loose(part: bytes) -> bool:
    """Whether Python's scanner reads all of it."""
    text = part.decode("utf-8")
    try:
        return bool(_SCANNER.raw_decode(text)[1] == len(text))
    except (json.JSONDecodeError, RecursionError):
        return False


def _loosely(body: bytes, kind: type) -> Any:
    """The same by Python's scanner, piece by piece."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        start = _skip(text, 0)
        _, end = _SCANNER.raw_decode(text, start)
        if _skip(text, end) < len(text):
            raise json.JSONDecodeError("Extra data", text, _skip(text, end))
        if text[start] != ("[" if kind is list else "{"):
            return None
        parts = {key: _raw(text[first:last]) for key, first, last in _children(text, start)}
    except json.JSONDecodeError as error:
        raise _explain(error) from None
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None
    return list(parts.values()) if kind is list else parts


def _children(text: str, at: int) -> Iterator[tuple[str | int, int, int]]:
    """Key, or place in the list, and span of each part of the object or list that begins at `at` and is known to be whole."""
    is_list = text[at] == "["
    at, number = _skip(text, at + 1), 0
    while text[at] not in "]}":
        key: str | int = number
        if not is_list:
            key, at = scanstring(text, at + 1, False)
            at = _skip(text, _skip(text, at) + 1)  # over the colon
        _, end = _SCANNER.raw_decode(text, at)
        yield key, at, end
        at, number = _skip(text, end), number + 1
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode("utf-8", "surrogateescape"))


def _explain(error: json.JSONDecodeError) -> NotJsonError:
    """Where the text stops being JSON, counted in bytes, and what stands there."""
    text, at = error.doc, _skip(error.doc, error.pos)
    rest = text[at:]
    place = len(text[:at].encode("utf-8", "surrogateescape"))
    if not rest or error.msg.startswith("Unterminated") or not re.search(r"[\]}]", rest):
        return NotJsonError(f"it ends within a value ({error.msg} at byte {place})", cut=True)
    token = _TOKEN.match(rest)
    shown = (token[0] if token else rest[:30]).encode("utf-8", "backslashreplace").decode()
    return NotJsonError(f"{error.msg} at byte {place}", shown)
