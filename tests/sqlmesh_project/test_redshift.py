"""Every statement that gold needs is one that Redshift takes: rendered, read again as Redshift's, and judged."""

import os
import re
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import sqlglot
import yaml
from redshift_stand_in.refuse import refused
from sqlglot import exp
from sqlglot.errors import ErrorLevel
from sqlglot.optimizer import optimize
from sqlmesh import Context
from sqlmesh.core.engine_adapter.redshift import RedshiftEngineAdapter
from sqlmesh.core.engine_adapter.shared import DataObject, DataObjectType
from sqlmesh.core.macros import RuntimeStage
from sqlmesh.core.model import Model

from tests import needs
from tests.harness import ROOT

LONGEST = 65535  # bytes in a VARCHAR of Redshift
TEXTS = (exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT, exp.DataType.Type.CHAR, exp.DataType.Type.NVARCHAR)
TIMES = {"start": "2026-03-01", "end": "2026-03-02", "execution_time": "2026-03-02"}


class Written(RedshiftEngineAdapter):
    """SQLMesh's adapter for Redshift that writes down what it would execute.

    Attributes:
        built: what the database says when asked for a table: whether it is there.
    """

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.built = False
        self.statements: list[str] = []

    def execute(self, expressions: Any, *_: Any, **__: Any) -> None:
        for expression in expressions if isinstance(expressions, list) else [expressions]:
            self.statements.append(expression if isinstance(expression, str) else self._to_sql(expression))

    def get_current_catalog(self) -> str:
        return "warehouse"

    def get_data_object(self, target: Any, *_: Any, **__: Any) -> DataObject | None:
        table = exp.to_table(target)
        return DataObject(schema=table.db, name=table.name, type=DataObjectType.TABLE) if self.built else None

    def table_exists(self, *_: Any, **__: Any) -> bool:
        return self.built

    def transaction(self, *_: Any, **__: Any) -> Any:
        return nullcontext()


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Model]:
    """The models of gold, loaded as on a laptop: what they are does not depend on where they run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ELT_")]:
            patch.delenv(name)
        patch.setenv("ELT_DATA_DIR", str(tmp_path_factory.mktemp("redshift")))
        context = Context(paths=[str(ROOT / "sqlmesh_project")])
        found = {model.name: model for model in context.models.values() if not model.kind.is_external}
        context.close()
    return found


@pytest.fixture(scope="module")
def statements(models) -> dict[str, list[str]]:
    """Per model: its query, what makes and fills its table, what follows, and its audits, in Redshift's words."""
    return {name: [*_built(model), *_audited(model)] for name, model in models.items()}


def _built(model: Model) -> list[str]:
    adapter, columns, query = Written(), model.columns_to_types, None
    about = {"table_description": model.description, "column_descriptions": model.column_descriptions}
    if not model.kind.is_seed:
        query = model.render_query(**TIMES, snapshots={}, engine_adapter=None)
    if model.kind.is_view:
        adapter.create_view(model.name, query, columns, view_properties=model.virtual_properties, **about)
    else:
        adapter.create_table(model.name, columns, table_properties=model.physical_properties, **about)
    if model.kind.is_full or model.kind.is_seed:
        for adapter.built in (False, True):
            for rows in model.render_seed() if model.kind.is_seed else [query]:
                adapter.replace_query(model.name, rows, columns, table_properties=model.physical_properties, **about)
    elif model.kind.is_incremental_by_unique_key:
        adapter.merge(model.name, query, columns, unique_key=model.unique_key)
    elif model.kind.is_incremental_by_partition:
        adapter.insert_overwrite_by_partition(model.name, query, model.partitioned_by, columns)
    after = model.render_post_statements(runtime_stage=RuntimeStage.EVALUATING, **TIMES)
    return [*([query.sql("redshift")] if query else []), *adapter.statements, *(each.sql("redshift") for each in after)]


def _audited(model: Model) -> list[str]:
    return [
        model.render_audit_query(audit, **arguments, **TIMES).sql("redshift")
        for audit, arguments in model.audits_with_args
    ]


def _read(statement: str) -> exp.Expression:
    """What Redshift's grammar makes of a statement.

    Raises:
        ParseError: it makes nothing of it.
    """
    found = sqlglot.parse(statement, read="redshift", error_level=ErrorLevel.RAISE)
    assert len(found) == 1 and found[0] is not None, statement
    return found[0]


def _problems(statement: str) -> list[str]:
    tree = _read(statement)
    unread = [f"not understood: {node.sql()[:80]}" for node in tree.find_all(exp.Command)]
    return [*unread, *_lengths(tree), *refused(tree)]


def _lengths(tree: exp.Expression) -> Iterator[str]:
    """Texts without a length, which Redshift cuts at 256 bytes, and with one it does not have."""
    for kind in tree.find_all(exp.DataType):
        if kind.this in TEXTS:
            length = kind.expressions[0].name if kind.expressions else ""
            if length.upper() != "MAX" and not 0 < int(length or 0) <= LONGEST:
                yield f"a text of length {length or 'nothing'}: {(kind.parent or kind).sql('redshift')[:80]}"


def _found(statements: dict[str, list[str]]) -> dict[str, list[str]]:
    found = {name: [p for text in texts for p in _problems(text)] for name, texts in statements.items()}
    return {name: problems for name, problems in found.items() if problems}


@pytest.mark.slow
def test_redshift_takes_every_statement_of_every_model(models, statements):
    assert _found(statements) == {}
    for name, model in models.items():
        creates = [tree for text in statements[name] if isinstance(tree := _read(text), exp.Create)]
        assert creates, name
        assert all(tree.kind == ("VIEW" if model.kind.is_view else "TABLE") for tree in creates), name


def _reckoned_differently(query: exp.Expression) -> Iterator[str]:
    """What DuckDB and Redshift make different numbers or texts of, by the types of its parts."""
    for node in query.find_all(exp.Cast, exp.Div, exp.Avg):
        text = node.sql("redshift")[:80]
        if isinstance(node, exp.Cast):
            if node.to.this in TEXTS and node.this.is_type("boolean"):
                yield f"Redshift casts no boolean to text: {text}"
            if node.to.is_type(*exp.DataType.INTEGER_TYPES) and node.this.is_type(*exp.DataType.REAL_TYPES):
                yield f"one rounds, the other cuts: {text}"
        elif isinstance(node, exp.Avg) and not node.this.is_type("double"):
            yield f"Redshift's average is of its column's kind, DuckDB's is a double: {text}"
        elif isinstance(node, exp.Div) and not node.left.is_type("double") and not node.right.is_type("double"):
            yield f"Redshift divides whole numbers and decimals to so many places, DuckDB to a double: {text}"


def test_no_model_reckons_what_the_two_engines_answer_differently(models):
    queries = {name: model.render_query(**TIMES) for name, model in models.items() if not model.kind.is_seed}
    assert {name: found for name, query in queries.items() if (found := [*_reckoned_differently(query)])} == {}


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("CAST(yes AS VARCHAR(5))", "boolean"),
        ("CAST(amount AS INTEGER)", "rounds"),
        ("AVG(number)", "average"),
        ("SUM(amount) / COUNT(*)", "divides"),
        ("CAST(SUM(amount) AS DOUBLE PRECISION) / COUNT(*)", ""),
    ],
)
def test_what_the_two_engines_answer_differently_is_found(expression, word):
    query = sqlglot.parse_one(f"SELECT {expression} AS x FROM t", read="redshift")
    schema = {"t": {"yes": "BOOLEAN", "amount": "DECIMAL(10, 2)", "number": "INT"}}
    found = [*_reckoned_differently(optimize(query, schema=schema, dialect="redshift"))]
    assert bool(found) == bool(word) and all(word in problem for problem in found)


def test_a_view_does_not_hold_on_to_its_tables(models, statements):
    for name in (name for name, model in models.items() if model.kind.is_view):
        [view] = [text for text in statements[name] if text.startswith("CREATE")]
        assert view.endswith("WITH NO SCHEMA BINDING"), view


def test_every_table_says_where_its_rows_lie(models, statements):
    for name, model in models.items():
        if model.kind.is_view:
            continue
        [table, *others] = [text for text in statements[name] if text.startswith("CREATE TABLE")]
        style = re.search(r"DISTSTYLE (\w+)", table)
        key = re.search(r'DISTKEY\("(\w+)"\)', table)
        sort = re.search(r"SORTKEY\(([^)]*)\)", table)
        columns = set(model.columns_to_types)
        assert style or key, f"{name} has neither diststyle nor distkey"
        assert not style or (style[1] in ("ALL", "EVEN") and not key), table
        assert not key or key[1] in columns, f"{name} is distributed by {key[1]}, a column it has not"
        assert sort or (style and style[1] == "ALL"), f"{name} has no sortkey and is not small"
        assert not sort or set(re.findall(r'"(\w+)"', sort[1])) <= columns, f"{name} is sorted by a column it has not"
        if model.kind.is_full:  # built again, it must come out the same
            assert all(("DISTKEY" in text) == bool(key) and ("DISTSTYLE" in text) == bool(style) for text in others), (
                others
            )


@pytest.mark.samples
def test_a_fact_is_spread_by_what_its_rows_do_not_share(models):
    keys = {
        name: model.physical_properties["distkey"].name
        for name, model in models.items()
        if "distkey" in model.physical_properties
    }
    assert keys == {
        "deftunes.fact_order_items": "session_id",
        "people.dim_people": "person_id",
        "sales.fact_sales": "order_number",
        "taxi.fact_trip": "trip_key",
    }


def test_redshift_takes_every_check():
    found = {}
    for path in sorted((ROOT / "soda_checks").glob("*/*/*.yml")):
        queries = [
            text if key == "query" else f"SELECT 1 FROM t WHERE {text}"
            for key, text in _sql(yaml.safe_load(path.read_text()))
        ]
        found[str(path.relative_to(ROOT))] = queries
    assert sum(map(len, found.values())) > 20 or needs.why_no_samples()
    assert _found(found) == {}


def _sql(checks: Any) -> Iterator[tuple[str, str]]:
    """The SQL in a file of checks: ``query`` is one, ``expression`` is a condition of rows."""
    pairs = checks.items() if isinstance(checks, dict) else enumerate(checks) if isinstance(checks, list) else ()
    for key, value in pairs:
        if key in ("query", "expression"):
            yield key, value
        else:
            yield from _sql(value)


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("SELECT CAST(a AS VARCHAR) AS a FROM t", "nothing"),
        ("SELECT a::VARCHAR(70000) AS a FROM t", "70000"),
        ("CREATE TABLE t (a TEXT)", "nothing"),
    ],
)
def test_a_text_without_a_length_is_found(statement, word):
    assert any(word in problem for problem in _lengths(_read(statement)))
