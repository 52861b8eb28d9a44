"""What a ranked headphone or in-ear is: the page's cells taken apart, without sentinel numbers. See README.md."""

import re
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from dlt_sources.contract import Contract, column

Grade = Annotated[str, Field(max_length=2, pattern=r"^[SABCDEF][+-]?$")]
Dollars = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]
Count = Annotated[int, Field(ge=0, le=100)]
UNKNOWN_PRICE = "99999"
"""What the page's hidden column `pricesort` says of a price it does not know."""
_NUMBER = re.compile(r"\d+(?:\.\d{1,2})?")
_DRIVERS = {
    "dd": "dynamic", "dynamic": "dynamic", "ba": "balanced_armature", "est": "electrostatic",
    "electrostatic": "electrostatic", "planar": "planar",
}  # fmt: skip


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
        "What the price is of: a variant, a bundled amplifier, the successor", path="_.note", max_length=200
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
        stars = str(raw.get("value_rating") or "").strip()
        parts = {
            "stars": (len(stars) if not stars.strip("★") else stars) if stars else None,
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
    ``3000 (V2)⏎4000 (Phi)`` the first counts · ``Discontinued⏎1500⏎(Replaced by Clear Mg)`` · ``Discont.`` and
    ``Replaced with TC``, whose last price only `pricesort` still has · ``?``.
    """
    notes = [note.strip() for note in re.findall(r"\(([^()]*)\)", text)]
    numbers = [Decimal(number) for number in _NUMBER.findall(re.sub(r"\([^()]*\)", " ", text))]
    sort_price = Decimal(pricesort) if _NUMBER.fullmatch(pricesort) and pricesort != UNKNOWN_PRICE else None
    status = "listed" if numbers else "unknown"
    if "replaced" in text.lower():
        status, notes = "replaced", notes or [" ".join(text.split())]
    elif "discont" in text.lower():
        status = "discontinued"
    bundle = sum(numbers[:2]) if re.search(r"\d\s*\+\s*\d", text) else None
    price = numbers[0] if numbers else None if status == "unknown" else sort_price
    said = bundle or (numbers[0] if numbers else None)
    return {
        "price": price,
        "status": status,
        "note": "; ".join(notes) or None,
        "bundle": bundle,
        "sort_price": sort_price,
        "disagrees": said is not None and sort_price is not None and said != sort_price,
    }


def count_drivers(text: str) -> dict[str, int]:
    """Drivers by kind of a setup such as ``2EST 4BA 1DD``, ``Planar`` or ``Dynamic``; a kind without a number is one."""
    counts = dict.fromkeys(("dynamic", "balanced_armature", "electrostatic", "planar", "other"), 0)
    for number, kind in re.findall(r"(\d{0,3})\s{0,3}([A-Za-z]+)", text):
        counts[_DRIVERS.get(kind.lower(), "other")] += int(number or 1)
    return counts
