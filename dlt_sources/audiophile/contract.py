"""What a ranked headphone or in-ear is: the page's cells taken apart, without sentinel numbers. See README.md."""

import re
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from dlt_sources.contract import Contract, column, read_amount

Grade = Annotated[str, Field(max_length=2, pattern=r"^[SABCDEF][+-]?$")]
Dollars = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]
Count = Annotated[int, Field(ge=0, le=100)]
UNKNOWN_PRICE = 99_999
"""What the page's hidden column `pricesort` says of a price it does not know."""
_SETUP = re.compile(
    r"[\s,+&;?/]*(?:(?:\d{1,3}/)?(?P<before>\d{1,3}|single|dual|double|twin|triple|quad)?\s*[x×]?\s*)(?P<kind>[^\W\d_]+)(?:\s*[x×]\s*(?P<after>\d{1,3}))?",
    re.IGNORECASE | re.ASCII,
)
_UNREAD = {"price": None, "status": "unknown", "note": None, "bundle": None, "sort_price": None, "disagrees": False}
_WORDS = {"single": 1, "dual": 2, "double": 2, "twin": 2, "triple": 3, "quad": 4}
_DRIVERS = {
    "dd": "dynamic",
    "dynamic": "dynamic",
    "ba": "balanced_armature",
    "est": "electrostatic",
    "electrostatic": "electrostatic",
    "planar": "planar",
}


class Iem(Contract):
    """One in-ear monitor of the ranking."""

    needs: ClassVar[tuple[str, ...]] = ("price", "pricesort", "value_rating", "signature")
    model: str = column("Maker and model; several models on one line are divided by /", min_length=1, max_length=500)
    rank_grade: Grade = column("Overall grade, S+ to F-", path="rank")
    value_rating: Annotated[int, Field(ge=1, le=3)] | None = column(
        "Stars for value, 1 to 3; none: NULL", path="_.stars"
    )
    price: Dollars | None = column(
        "Price without accessories; unknown: NULL, see price_status", path="_.price", unit="USD"
    )
    price_status: Literal["listed", "discontinued", "replaced", "unknown"] = column(
        "listed: on sale; discontinued; replaced: by another model; unknown: the page has no price", path="_.status"
    )
    price_note: str | None = column(
        "What the price is of: a variant, a bundled amplifier, the successor; its currency if that is not USD",
        path="_.note",
        max_length=200,
    )
    bundle_price: Dollars | None = column("Price with what it must be bought with", path="_.bundle", unit="USD")
    sort_price: Dollars | None = column(
        "The page's hidden price for sorting; unknown: NULL", path="_.sort_price", unit="USD"
    )
    price_disagrees: bool = column("Whether the hidden price is neither the price nor the bundle's", path="_.disagrees")
    audio_signature: str = column("Sound in the reviewer's words", path="_.signature", min_length=1, max_length=200)
    tone_grade: Grade = column("Grade for tone")
    technical_grade: Grade = column("Grade for technicalities")
    driver_type: str | None = column("Drivers as the page says them", path=["setup", "driver_type"], max_length=200)
    dynamic_drivers: Count = column("Dynamic drivers per side", path="_.dynamic")
    balanced_armature_drivers: Count = column("Balanced armatures per side", path="_.balanced_armature")
    electrostatic_drivers: Count = column("Electrostatic drivers per side", path="_.electrostatic")
    planar_drivers: Count = column("Planar drivers per side", path="_.planar")
    other_drivers: Count = column("Other drivers per side", path="_.other")
    comments: str | None = column("The reviewer's comment", max_length=5000, default=None)

    @model_validator(mode="before")
    @classmethod
    def _taken_apart(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        drivers = raw.get("setup") or raw.get("driver_type") or ""
        parts = {
            "stars": count_stars(str(raw.get("value_rating") or "")),
            "signature": str(raw.get("signature") or "").replace('"', ""),
        }
        model = " / ".join(str(raw.get("model") or "").split("\n"))
        return {
            **raw,
            "model": model,
            "_": parts
            | price_parts(str(raw.get("price") or ""), str(raw.get("pricesort") or ""))
            | count_drivers(drivers),
        }


class Headphone(Iem):
    """One headphone of the ranking."""

    fit_cup: str | None = column("Fit and cup, such as Open Circumaural", max_length=200)


def price_parts(text: str, pricesort: str) -> dict[str, Any]:
    """Price, status, note and bundle price of a price cell, reconciled with the hidden column beside it.

    The shapes there are: ``600`` · ``3000(HE1000)`` price of a variant · ``600+975(SRM-353X)`` with an amplifier ·
    ``$1,900``, ``1.299 €``, ``1 900.50`` any usual form of a number (amounts.py) · ``3000 (V2)⏎4000 (Phi)``, also
    without the line's end, the first counts ·
    ``Discontinued⏎1500⏎(Replaced by Clear Mg)`` · ``Discont.`` and ``Replaced with TC``, whose last price only `pricesort`
    still has · ``?``. Other digits, such as a range, are not a price: the row is rejected.
    """
    notes = [note.strip() for note in re.findall(r"\(([^()]*)\)", text)]
    lines = re.sub(r"\)(?=\s*\d)", ")\n", text)  # a price follows what the one before was of
    outside = [line for line in re.sub(r"\([^()]*\)", " ", lines).split("\n") if "replaced" not in line.lower()]
    try:
        found = [[amount for part in line.split("+") if (amount := read_amount(part))] for line in outside]
    except ValueError as error:
        return _UNREAD | {"price": f"{text!r}: {error}"}  # which is not a number: the row is rejected
    amounts = [amount for line in found for amount, _ in line]
    try:
        hidden = read_amount(pricesort)
    except ValueError as error:
        return _UNREAD | {"sort_price": f"{pricesort!r}: {error}"}
    sort_price = hidden[0] if hidden and hidden[0] != UNKNOWN_PRICE else None
    status = "listed" if amounts else "unknown"
    if "replaced" in text.lower():
        status, notes = "replaced", notes or [" ".join(text.split())]
    elif "discont" in text.lower():
        status = "discontinued"
    bundle = next((line[0][0] + line[1][0] for line in found if len(line) > 1), None)
    price = amounts[0] if amounts else None if status == "unknown" else sort_price
    said = bundle or (amounts[0] if amounts else None)
    abroad = dict.fromkeys(f"in {currency}" for line in found for _, currency in line if currency)
    return {
        "price": price,
        "status": status,
        "note": "; ".join([*notes, *abroad]) or None,
        "bundle": bundle,
        "sort_price": sort_price,
        "disagrees": said is not None and sort_price is not None and said != sort_price,
    }


def count_stars(text: str) -> int | str | None:
    """Stars of a cell, whichever character they are; none, or a plain 0, is None. What is neither is left for Pydantic to refuse."""
    plain = re.sub(r"[\s\ufe0e\ufe0f]", "", text)
    if not plain.strip("★⭐"):
        return len(plain) or None
    return None if plain == "0" else plain


def count_drivers(text: str) -> dict[str, Any]:
    """Drivers by kind of a setup such as ``2EST 4BA 1DD``, ``Planar``, ``4 x BA`` or ``Dual DD``; a kind without a number is one.

    Of ``8/10BA`` the last number counts. A number that belongs to no kind is left under ``other`` as it is, for the row to be rejected.
    """
    counts: dict[str, Any] = dict.fromkeys(("dynamic", "balanced_armature", "electrostatic", "planar", "other"), 0)
    if len(text) > 200:  # more than `driver_type` holds
        return counts
    place = 0
    while found := _SETUP.match(text, place):
        before, after = found["before"], found["after"]
        if before and after:
            break
        number = (before or after or "1").lower()
        counts[_DRIVERS.get(found["kind"].lower(), "other")] += _WORDS.get(number) or int(number)
        place = found.end()
    if any(character.isnumeric() for character in text[place:]):
        counts["other"] = f"{text[:100]!r}: a number without a kind of driver"
    return counts
