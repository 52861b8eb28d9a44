"""What silver does when a contract's types get wider: a timestamp's precision, a decimal's digits, an integer that becomes a decimal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from ..stores.shape import ContractChangedError, holds_decimals
from .rows import same_type, shaped

if TYPE_CHECKING:
    from pyiceberg.table import Table


def widen(target: Table, named: str, schema: pa.Schema) -> None:
    """Let columns hold the types of `schema`.

    Args:
        named: the table's name with its source, for who reads the error.

    Raises:
        ContractChangedError: one of these does not hold every value of the column.
    """
    held = target.schema().as_arrow()
    changed = {
        field.name: (held.field(field.name).type, field.type)
        for field in schema
        if field.name in held.names and not _same(held.field(field.name).type, field.type)
    }
    for name, (old, new) in changed.items():
        if not _is_wider(old, new):
            raise ContractChangedError(
                f"contract of {named} changed ({name}: {old} -> {new} in silver); run"
                f" `python runner.py rebuild {named.partition('.')[0]}`"
            )
    if changed:
        _rewrite(target, {name: new for name, (_, new) in changed.items()})


def _same(old: pa.DataType, new: pa.DataType) -> bool:
    times = pa.types.is_timestamp
    return same_type(old, new) or bool(times(old) and times(new))


def _is_wider(old: pa.DataType, new: pa.DataType) -> bool:
    if not pa.types.is_decimal(new):
        return False
    if pa.types.is_int64(old):
        return holds_decimals(new.precision, new.scale)
    return pa.types.is_decimal(old) and holds_decimals(new.precision, new.scale, old.precision, old.scale)


def _rewrite(target: Table, types: Mapping[str, pa.DataType]) -> None:
    """Give columns other types, in one commit: Iceberg itself widens only a decimal's precision."""
    held = target.schema().as_arrow()
    wanted = pa.schema([field.with_type(types.get(field.name, field.type)) for field in held])
    rows = target.scan().to_arrow_batch_reader()
    with target.transaction() as transaction:
        transaction.delete("true")
        with transaction.update_schema() as update:
            for name in types:
                update.delete_column(name)
        with transaction.update_schema() as update:
            update.union_by_name(pa.schema([wanted.field(name) for name in types]))
        for batch in rows:
            if batch.num_rows:
                piece = pa.Table.from_batches([batch])
                transaction.append(shaped(piece, transaction.table_metadata.schema().as_arrow()))
