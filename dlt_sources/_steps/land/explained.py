"""What goes wrong in a read of a source, in words: the same whoever reads it, and without values of a source with personal data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from settings import Settings

from ..declared.declaration import Source
from ..declared.declaration_error import DeclarationError
from ..declared.placeholders import declared_paths
from ..declared.redact import has_private
from ..declared.source_error import SourceError, explain
from ..stores.pipelines import StoreError
from ..stores.ranges import RangeError


@contextlib.contextmanager
def explained(source: Source, settings: Settings) -> Iterator[None]:
    """Explain what the block raises.

    Raises:
        SourceError, SettingsError: the reason. StoreError, DeclarationError, RangeError: as it was raised.
    """
    private = has_private(source.contracts.values())
    try:
        yield
    except (StoreError, DeclarationError, RangeError):
        raise
    except Exception as error:
        reason = explain(error, source.name)
        if private and isinstance(reason, SourceError):  # what it quotes may be personal
            raise reason.without_values(declared_paths(source, settings)) from None
        raise reason from error
