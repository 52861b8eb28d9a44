"""Odd records of DeFtunes: what each says, and why a correct pipeline rejects it, or that it must not.

The accepted ones are easily lost, changed or taken for broken: numbers of more digits than a double has, NaN and half a
surrogate pair in fields that no contract names.
"""

from __future__ import annotations

from typing import Any

from .records import Reason, Token

Change = dict[str, Any]  # by field: its value, or a function that makes it of the right one

BEFORE_TIME, AFTER_TIME = "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00"
"""Times that can be written with an offset and are in no year from 1 to 9999 in UTC."""
CUT = Token('"cut \\ud83d"')
"""A text that somebody cut through the middle of an emoji."""
TOO_EXACT, EXACT = Token("1.0000000000000000000001"), Token("1.5000000000000000000000")
"""Prices that a double takes for 1 and 1.5: the first has more than two decimals, the second only zeros at its end."""

USERS: list[tuple[Change, Reason]] = [
    ({"user_id": None}, ("users", "user_id", "string_type")),
    ({"user_id": "not-a-uuid"}, ("users", "user_id", "string_pattern_mismatch")),
    ({"user_lastname": None}, ("users", "user_lastname", "string_type")),
    ({"user_name": ""}, ("users", "user_name", "string_too_short")),
    ({"user_name": CUT}, ("users", "user_name", "string_unicode")),
    ({"user_location": None}, ("users", "latitude", "missing")),
    ({"user_location": lambda place: place[:3]}, ("users", "country_code", "missing")),
    ({"user_location": lambda place: ["123.4", *place[1:]]}, ("users", "latitude", "less_than_equal")),
    ({"user_location": lambda place: [Token("NaN"), *place[1:]]}, ("users", "latitude", "finite_number")),
    ({"user_location": lambda place: [place[0], Token("1e400"), *place[2:]]}, ("users", "longitude", "finite_number")),
    ({"user_location": lambda place: [*place[:3], "usa", place[4]]}, ("users", "country_code", "string_too_long")),
    ({"user_since": None}, ("users", "user_since", "datetime_type")),
    ({"user_since": "not-a-date"}, ("users", "user_since", "datetime_from_date_parsing")),
    ({"user_since": BEFORE_TIME}, ("users", "user_since", "unrepresentable")),
    ({"user_since": 20200131}, ("users", "user_since", "time_from_number")),
]
USERS_KEPT: list[Change] = [
    {"user_location": lambda place: [Token(f"{float(place[0]):.5f}00000000000000000001"), *place[1:]]},
    {"karma": 2**63, "score": Token("-Infinity")},
]
SESSIONS: list[tuple[Change, str, str]] = [
    ({"session_id": None}, "session_id", "string_type"),
    ({"session_id": "0000"}, "session_id", "string_pattern_mismatch"),
    ({"user_id": None}, "user_id", "string_type"),
    ({"user_id": "someone"}, "user_id", "string_pattern_mismatch"),
    ({"session_start_time": None}, "session_start_time", "datetime_type"),
    ({"session_start_time": "yesterday"}, "session_start_time", "datetime_from_date_parsing"),
    ({"session_start_time": BEFORE_TIME}, "session_start_time", "unrepresentable"),
    ({"session_start_time": 1580428800}, "session_start_time", "time_from_number"),
    ({"session_items": None}, "session_items", "list_type"),
    ({"session_items": {}}, "session_items", "list_type"),
]
SESSIONS_KEPT: list[Change] = [
    {"referrer": CUT},
    {"battery": Token("NaN")},
    {"device_id": 2**63},
    {"user_agent": "\ufeffMozilla/5.0"},
]
ITEMS: list[tuple[Change | None, str, str]] = [
    ({"price": 0}, "price", "greater_than"),
    ({"price": 2.5}, "price", "less_than_equal"),
    ({"price": -1.0}, "price", "greater_than"),
    ({"price": None}, "price", "decimal_type"),
    ({"price": "free"}, "price", "decimal_parsing"),
    ({"price": "1,50"}, "price", "decimal_parsing"),
    ({"price": Token("NaN")}, "price", "finite_number"),
    ({"price": TOO_EXACT}, "price", "decimal_max_digits"),
    ({"currency": "EUR"}, "currency", "literal_error"),
    ({"currency": None}, "currency", "literal_error"),
    ({"song_id": None}, "song_id", "string_type"),
    ({"song_id": "TRABC"}, "song_id", "string_pattern_mismatch"),
    ({"song_name": CUT}, "song_name", "string_unicode"),
    ({"artist_id": None}, "artist_id", "string_type"),
    ({"liked": None}, "liked", "bool_type"),
    ({"liked_since": AFTER_TIME}, "liked_since", "unrepresentable"),
    (None, "", "model_type"),  # null where an item should be
]
ITEMS_KEPT: list[Change] = [{"price": EXACT}, {"price": Token("150e-2")}, {"shelf": CUT}]
SONGS: list[tuple[Change, Reason]] = [
    ({"track_id": None}, ("songs", "track_id", "string_type")),
    ({"track_id": "TR123"}, ("songs", "track_id", "string_pattern_mismatch")),
    ({"song_id": None}, ("songs", "song_id", "string_type")),
    ({"artist_id": None}, ("songs", "artist_id", "string_type")),
    ({"artist_name": None}, ("songs", "artist_name", "string_type")),
    ({"duration": -1.5}, ("songs", "duration", "greater_than_equal")),
    ({"duration": "NaN"}, ("songs", "duration", "finite_number")),
    ({"artist_hotttnesss": "Infinity"}, ("songs", "artist_hotttnesss", "finite_number")),
    ({"year": 20055}, ("songs", "year", "less_than_equal")),
    ({"year": None}, ("songs", "year", "int_type")),
    ({"track_7digitalid": 2**63}, ("songs", "track_7digitalid", "unrepresentable")),
]
SONGS_KEPT: list[Change] = [
    {"duration": "0.000000000001"},
    {"duration": None, "release": None, "artist_mbid": None, "shs_perf": None},
    {"track_7digitalid": 2**63 - 1},
]


def changed(body: dict[str, Any], change: Change) -> dict[str, Any]:
    """The record with a change."""
    return body | {name: value(body[name]) if callable(value) else value for name, value in change.items()}
