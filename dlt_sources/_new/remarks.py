"""What is said of a new source: what the sample was, and what it leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import write
from .fields import Found
from .judging import Verdict
from .login import describe_login
from .origin import Origin
from .sample import Sample


def list_seen(origin: Origin, sample: Sample, tables: Sequence[Found], of_each: Sequence[str]) -> Iterator[str]:
    """What the sample was.

    Args:
        of_each: what is known of endpoints that are asked for each record.
    """
    files = (
        f" of {', '.join(sample.names)}" if sample.names else f" on {sample.pages} pages" if sample.pages > 1 else ""
    )
    yield f"{tables[0].name}: {tables[0].rows:,} rows{files}"
    for child in tables[1:]:
        if child.parent:
            yield f"{child.name}: {child.rows:,} elements of `{child.explode}`"
    yield from of_each
    endpoint = origin.place.get("endpoint", {})
    if "data_selector" in endpoint:
        yield f"the records are at `{endpoint['data_selector']}`"
    if "paginator" in endpoint:
        said = endpoint["paginator"]
        yield f"pages: {said['type'] if isinstance(said, dict) else 'one answer is all'}"
    elif endpoint:
        yield (
            "pages: found by the answers themselves at each read, or one answer is all"
            if sample.pages > 1
            else "pages: one, and nothing says that there are more"
        )
    if login := describe_login(origin.connection):
        yield login
    for key in ("delimiter", "encoding", "skip_lines"):
        if key in origin.connection:
            yield f"{key} {origin.connection[key]!r}"


def list_doubts(origin: Origin, tables: Sequence[Found], sample: Sample, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What the sample leaves open, the most important first."""
    yield from [*origin.notes, *sample.notes]
    for verdict in verdicts:
        for (place, rule, message), count in verdict.reasons.most_common(5):
            yield f"{verdict.table}.{place or 'row'}: {count:,} of {verdict.landed:,} rows are rejected: {message} ({rule})"
    for table in tables:
        yield from (f"{table.name}: {text}" for text in table.doubts)
        for found in table.fields:
            yield from (f"{table.name}.{found.name}: {text}" for text in found.guess.doubts)
        if closed := [f.name for f in table.fields if f.guess.annotation.startswith("Literal")]:
            yield f"{table.name}: only the values that were seen are accepted of {', '.join(closed)}; are the lists whole?"
        if hidden := [f"{f.name} ({f.pii}: {f.reason})" for f in table.fields if f.pii and f.leaf]:
            yield f'{table.name}: taken for personal: {", ".join(hidden)}; `pii="keep"` where one is needed in clear'
        yield from (f"{table.name}: {path} is left out ({why})" for path, why in table.left.items())
    yield f"owner ({write.OWNER}), schedule ({write.SCHEDULE}) and descriptions are placeholders"
