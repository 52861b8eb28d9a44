"""Values that are likely to be personal: by what the source calls them, and by what they look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}")
_PHONE = re.compile(r"\+?[\d(][\d ()./-]{6,18}\d")
_NAMES = (
    (
        "drop",
        r"pass(word|wd|phrase)?|pwd|secret|salt|md5|sha1|sha256|(api|access|private)_?key|token",
        "it is a credential",
    ),
    (
        "drop",
        r"ssn|social_security\w*|national_id|passport\w*|tax_(id|number)|id_card\w*",
        "it names an identity document",
    ),
    (
        "drop",
        r"iban|bic|card_?(number|no)|credit_?card\w*|cvv|account_?number|bank_account",
        "it is of a bank account or card",
    ),
    ("drop", r"birth_?(day|date)?|date_of_birth|dob|birthdate", "it is a date of birth"),
    ("hash", r"e?_?mail(_?address)?|email\w*", "it is called an e-mail address"),
    ("hash", r"(tele|mobile_?)?phone\w*|mobile|cell|fax|msisdn", "it is called a phone number"),
    ("hash", r"(user|login|screen)_?name|login|handle|nick_?name", "it is a login name"),
    (
        "hash",
        r"(first|last|sur|family|given|full|middle|maiden)_?name|\w*_(first|last|sur)_?name|\w+(first|last)name",
        "it is a person's name",
    ),
    ("hash", r"ip|ip_?addr(ess)?|(client|remote|user)_ip|device_id", "it points at a person's device"),
    (
        "hash",
        r"street\w*|address(_?line)?_?\d?|house_?(number|no)|(billing|shipping|home)_address\w*",
        "it is a postal address",
    ),
)
_PEOPLE = re.compile(r"(user|people|person|customer|contact|member|employee|patient|student|author|owner|buyer)s?")
_SCHEMES = re.compile(r"(?:^|_)(name|vorname|nachname|prenom|nom|apellido|nombre)$")
_BIRTH = {"dob", "birth", "birthday"}
_PARTS = {"first", "last", "given", "family", "middle"}


def find_personal(name: str, above: str, values: Sequence[Any]) -> tuple[str, str] | None:
    """(`hash` or `drop`, the reason) of a field that is likely to be personal.

    Args:
        name: the field's, in small letters with underscores. above: the same of the object, or the table, that it is in.
    """
    last = name.removeprefix(f"{above}_")
    ways = {name, last, f"{above}_{last}"} | ({above} if above in _BIRTH else set())
    for pii, pattern, reason in _NAMES:
        if any(re.fullmatch(pattern, way) for way in ways):
            return pii, reason
    if (above in ("name", "names") and last in _PARTS) or (_SCHEMES.search(name) and _PEOPLE.fullmatch(above)):
        return "hash", "it is a person's name"
    texts = [value for value in values if isinstance(value, str)]
    if texts and sum(1 for text in texts if EMAIL.fullmatch(text)) > len(texts) / 2:
        return "hash", "its values are e-mail addresses"
    if len(texts) > 4 and all(_PHONE.fullmatch(text) and text[0] in "+(0" and len(set(text)) > 4 for text in texts):
        return "hash", "its values look like phone numbers"
    return None
