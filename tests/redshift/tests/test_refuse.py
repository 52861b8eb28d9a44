"""What Redshift refuses is refused, and what it takes is not."""

import psycopg2
import pytest
import sqlglot
from redshift_stand_in.client import Client
from redshift_stand_in.refuse import refused

REFUSED = """
CREATE INDEX i ON t (a) ~ INDEX
CREATE UNIQUE INDEX i ON t (a) ~ INDEX
CREATE SEQUENCE s ~ SEQUENCE
CREATE TYPE x AS ENUM ('a') ~ TYPE
CREATE DOMAIN x AS INT ~ DOMAIN
CREATE TRIGGER x BEFORE INSERT ON t EXECUTE PROCEDURE f() ~ TRIGGER
CREATE EXTENSION x ~ EXTENSION
CREATE UNLOGGED TABLE t (a INT) ~ UNLOGGED
SAVEPOINT x ~ SAVEPOINT
ROLLBACK TO x ~ ROLLBACK
LISTEN x ~ LISTEN
INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING ~ ON CONFLICT
INSERT INTO t VALUES (1) RETURNING a ~ RETURNING
WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a ~ WITH before INSERT
SELECT count(*) FILTER (WHERE a > 1) FROM t ~ FILTER
SELECT DISTINCT ON (a) b FROM t ~ DISTINCT ON
SELECT a IS NOT DISTINCT FROM b FROM t ~ DISTINCT FROM
SELECT * FROM t, LATERAL (SELECT 1) AS x ~ LATERAL
SELECT * FROM unnest(t.a) ~ UNNEST
SELECT * FROM (VALUES (1, 2)) AS t(a, b) ~ VALUES
SELECT ARRAY[1, 2] ~ arrays
SELECT a::int[] FROM t ~ arrays
SELECT 1 = ANY(ARRAY[1]) ~ arrays
SELECT a -> 'b' FROM t ~ JSON operators
SELECT a ->> 'b' FROM t ~ JSON operators
SELECT a::jsonb FROM t ~ jsonb does not exist
SELECT CAST(a AS UUID) FROM t ~ uuid does not exist
SELECT a::double FROM t ~ double does not exist
SELECT a::string FROM t ~ string does not exist
SELECT a::varchar(65536) FROM t ~ 65535
SELECT a FROM t FOR UPDATE SKIP LOCKED ~ locking
SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b) ~ windows
SELECT sum(a) OVER (ORDER BY b) FROM t ~ require a frame clause
SELECT sum(a) OVER (ORDER BY b RANGE UNBOUNDED PRECEDING) FROM t ~ ROWS only
SELECT a FROM t GROUP BY ALL ~ GROUP BY ALL
SELECT a FROM t INTERSECT ALL SELECT a FROM u ~ ALL
SELECT a FROM t FETCH FIRST 1 ROWS ONLY ~ FETCH
SELECT string_agg(a, ',') FROM t ~ string_agg
SELECT array_agg(a) FROM t ~ array_agg
SELECT to_json(a), gen_random_uuid() FROM t ~ to_json
SELECT concat_ws(',', a, b) FROM t ~ concat_ws
SELECT clock_timestamp() ~ clock_timestamp
SELECT regexp_matches(a, 'x') FROM t ~ regexp_matches
SELECT list_aggregate(a) FROM t ~ not one of Redshift's
SELECT count(DISTINCT a, b) FROM t ~ one argument
SELECT listagg(a, ','), count(DISTINCT b) FROM t ~ DISTINCT aggregate
SELECT median(a), median(b) FROM t ~ must be the same
SELECT * FROM generate_series(1, 3) AS g(n), t ~ leader node
SELECT tag FROM t ~ "tag" is a reserved word
SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1 ~ needs an alias
SELECT a FROM t AS u, s.t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1 ~ needs an alias
SELECT * FROM (SELECT a FROM t) QUALIFY row_number() OVER (ORDER BY a) = 1 ~ needs an alias
SELECT a FROM t AS snapshot ~ reserved
CREATE TABLE t (tag INT) ~ reserved
CREATE TABLE t (a SERIAL) ~ serial
CREATE TABLE t (a BYTEA) ~ bytea
CREATE TABLE t (a INT[]) ~ arrays
CREATE TABLE t (a NUMERIC(39, 2)) ~ precision
CREATE TABLE t (a NUMERIC(38, 38)) ~ scale
CREATE TABLE t (a CHAR(4097)) ~ 4096
CREATE TABLE t (a INT CHECK (a > 1)) ~ CHECK
CREATE TABLE t (a INT) PARTITION BY RANGE (a) ~ PARTITION
CREATE TABLE t (a INT) INHERITS (u) ~ inheritance
CREATE TABLE IF NOT EXISTS t AS SELECT 1 AS a ~ IF NOT EXISTS
CREATE OR REPLACE TABLE t AS SELECT 1 AS a ~ OR REPLACE
CREATE TEMP TABLE s.t (a INT) ~ schema
CREATE TABLE t (a INT) DISTKEY (b) ~ does not exist
CREATE TABLE t (a INT DISTKEY, b INT DISTKEY) ~ only one
CREATE TABLE t (a INT) SORTKEY (b) ~ does not exist
CREATE TABLE t (a INT) DISTSTYLE SIDEWAYS ~ syntax error
CREATE TABLE t (a INT ENCODE gzip) ~ encoding
CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1 AS a ~ MATERIALIZED
CREATE TEMP VIEW v AS SELECT 1 AS a ~ temporary
ALTER TABLE t ADD COLUMN a INT, ADD COLUMN b INT ~ one action
ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT ~ IF
ALTER TABLE t ADD COLUMN a INT NOT NULL ~ non-null default
ALTER TABLE t ADD COLUMN a JSON ~ json
ALTER TABLE t ALTER COLUMN a TYPE BIGINT ~ VARCHAR only
ALTER TABLE t ALTER COLUMN a SET NOT NULL ~ VARCHAR's length
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r ~ list of its columns
WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r) SELECT * FROM r ~ UNION ALL
""".strip().splitlines()

TAKEN = """
SELECT a FROM t ORDER BY a NULLS FIRST
SELECT a AS tag, "tag", t.tag FROM t
SELECT a FROM t AS u QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1
SELECT a FROM (SELECT a FROM t) u QUALIFY row_number() OVER (ORDER BY a) = 1
SELECT a FROM t WHERE a > 1 QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1
SELECT a FROM t JOIN s.u ON t.a = u.a QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1
SELECT a, count(*) FROM t GROUP BY GROUPING SETS ((a), (b))
SELECT a, count(*) FROM t GROUP BY ROLLUP (a)
SELECT a ILIKE 'x', a SIMILAR TO 'y', a ~ 'z' FROM t
SELECT a FROM t WHERE b = ANY (SELECT c FROM u) AND EXISTS (SELECT 1 FROM u)
SELECT a FROM t PIVOT (sum(x) FOR b IN ('p', 'q'))
SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS UNBOUNDED PRECEDING), lag(a) OVER (ORDER BY c), rank() OVER (ORDER BY c) FROM t
SELECT listagg(DISTINCT a, ',') WITHIN GROUP (ORDER BY a), count(*) FROM t
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), median(a), avg(a) FROM t
SELECT dateadd(day, 1, a), datediff(month, a, b), date_part(week, a), extract(epoch FROM a), date_trunc('day', a) FROM t
SELECT nvl(a, 0), decode(a, 1, 2), a::decimal(38, 37), a::varchar(max), CAST(a AS double precision), a::super FROM t
SELECT json_extract_path_text(a, 'b'), json_parse(a), a.b.c FROM t
SELECT TOP 3 * FROM t
SELECT getdate(), sysdate, current_date, current_user
SELECT * FROM generate_series(1, 3)
SELECT split_part(a, ',', 1), strpos(a, 'x'), bool_and(b), array(1, 2), split_to_array(a) FROM t
SELECT a FROM t MINUS SELECT a FROM u
SELECT a FROM t UNION ALL (SELECT a FROM u)
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r
INSERT INTO t WITH a AS (SELECT 1) SELECT * FROM a
INSERT INTO t (a, b) VALUES (1, 'x'), (2, DEFAULT)
DELETE FROM t USING u WHERE t.a = u.a
UPDATE t SET a = u.a FROM u WHERE t.b = u.b
MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = u.b WHEN NOT MATCHED THEN INSERT (a) VALUES (u.a)
MERGE INTO t USING u ON t.a = u.a REMOVE DUPLICATES
CREATE TABLE s.t (a INT IDENTITY(1, 1) ENCODE az64, b VARCHAR(MAX) ENCODE zstd NOT NULL DEFAULT 'x', c NUMERIC(38, 37), PRIMARY KEY (a)) DISTSTYLE KEY DISTKEY (a) COMPOUND SORTKEY (a, b)
CREATE TABLE t DISTKEY (a) SORTKEY (a) AS SELECT 1 AS a
CREATE TABLE IF NOT EXISTS t (a INT, LIKE u INCLUDING DEFAULTS)
CREATE TEMP TABLE t (LIKE s.u)
CREATE OR REPLACE VIEW v AS SELECT a FROM s.t WITH NO SCHEMA BINDING
CREATE MATERIALIZED VIEW v AS SELECT a FROM s.t
ALTER TABLE t ADD COLUMN a VARCHAR(10) ENCODE lzo DEFAULT 'x' NOT NULL
ALTER TABLE t ALTER COLUMN a TYPE VARCHAR(300)
ALTER TABLE t ALTER DISTKEY a
ALTER TABLE t ALTER SORTKEY (a, b)
ALTER TABLE t RENAME COLUMN a TO b
""".strip().splitlines()


@pytest.mark.parametrize("line", REFUSED)
def test_refused(line: str) -> None:
    statement, _, words = line.rpartition(" ~ ")
    assert any(words in reason for reason in refused(statement)), refused(statement)


@pytest.mark.parametrize("line", REFUSED)
def test_the_stand_in_refuses_it(sql: Client, line: str) -> None:
    with pytest.raises(psycopg2.Error):
        sql(line.rpartition(" ~ ")[0])


@pytest.mark.parametrize("statement", TAKEN)
def test_taken(statement: str) -> None:
    assert refused(statement) == []


def test_trees_are_rendered_first() -> None:
    assert refused(sqlglot.parse_one("SELECT a FROM t WHERE a > 1", dialect="duckdb")) == []
    assert refused(sqlglot.parse_one("SELECT list_sort(a) FROM t", dialect="duckdb"))


def test_long_names_and_wide_tables() -> None:
    assert refused(f"SELECT 1 AS {'x' * 128}")
    assert not refused(f"SELECT 1 AS {'x' * 127}")
    assert refused(f"CREATE TABLE t ({', '.join(f'c{n} INT' for n in range(1601))})")
