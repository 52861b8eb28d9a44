"""The salt of hashed personal fields. On a laptop that is given none, one is made at random, once, and kept in the data folder."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from settings import Settings
from warehouse import durable

from .pipelines import StoreError

FORMER = "local-only-salt"
"""What data folders hash with that are older than salts of their own: so that what is there still matches what comes."""
NAME, MARK = "pii_salt", "_salt"
"""The salt's file in the data folder; and in silver what the hashes there were made with, itself hashed."""


def read_salt(settings: Settings) -> str:
    """The salt; made where there is none and nothing has been hashed.

    Raises:
        StoreError: the file is lost, and rows are there that were hashed with it.
    """
    if settings.pii_salt is not None:
        return settings.pii_salt.get_secret_value()
    file, silver = settings.data / NAME, Path(settings.silver)
    mark = silver / MARK
    salt = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    if not salt:
        if mark.exists():
            raise StoreError(
                f"{file} is {'empty' if file.exists() else 'gone'}: the salt of the hashed fields that silver holds. Put it back"
                " from a copy; if there is none, set ELT_PII_SALT to a long random text and run `python runner.py rebuild SOURCE`"
                " for every source, which hashes them again"
            )
        salt = FORMER if any(silver.glob("*/*/metadata/*.json")) else secrets.token_hex(32)
        durable.write(file, f"{salt}\n", mode=0o600)
    if not mark.exists():
        durable.write(mark, hashlib.sha256(salt.encode()).hexdigest())
    return salt
