"""What of a message about a rejected row comes from the contract, and not from the row."""

from __future__ import annotations

import re
from functools import cache

OWN_TEXT = "a rule of the contract's own; its text is not shown: it may hold personal values"
_FROM_CONTRACT = frozenset(
    [
        "ge",
        "gt",
        "le",
        "lt",
        "multiple_of",
        "min_length",
        "max_length",
        "max_digits",
        "decimal_places",
        "whole_digits",
        "pattern",
        "expected",
        "expected_plural",
        "expected_schemes",
        "expected_tags",
        "class",
        "class_name",
        "field_type",
        "discriminator",
        "tz_expected",
    ]
)
"""What Pydantic's messages say of the rule. All else that they say (`error`, `tag`, `actual_length`) is of the value."""
_OWN_RULES = {
    "parent_rejected": "the record it is part of was rejected",
    "computed": "its expression gives no value for this row",
}
_LINE = re.compile(r"line \d+: (?:Expected Number of Columns: \d+ Found: \d+|Maximum line size of \d+ bytes exceeded)")
_EMPTIED = "the file has no rows any more"


def safe_message(rule: str, message: str) -> str:
    """The message with what it says of the rule and without what it says of the value."""
    if rule in _OWN_RULES:
        return _OWN_RULES[rule]
    if rule == "unrepresentable":  # behind the colon is what an exception said
        return message.partition(": ")[0]
    if rule == "malformed_line":
        line = _LINE.match(message) or re.match(r"line \d+", message)
        return _EMPTIED if message == _EMPTIED else line[0] if line else "not a row"
    template = _templates().get(rule)
    if template is None or rule in ("value_error", "assertion_error"):
        return OWN_TEXT
    pieces = re.split(r"\{(\w+)\}", template)  # text, name, text, name ... text
    pattern = "".join(f"(?P<p{n}>.*?)" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))
    match = re.fullmatch(pattern, message, re.S)
    return "".join(
        piece if n % 2 == 0 else match[f"p{n}"] if match and piece in _FROM_CONTRACT else "..."
        for n, piece in enumerate(pieces)
    )


@cache
def _templates() -> dict[str, str]:
    """Pydantic's own rules and their messages."""
    from pydantic_core._pydantic_core import list_all_errors  # its only list of them

    return {error["type"]: error["message_template_python"] for error in list_all_errors()}
