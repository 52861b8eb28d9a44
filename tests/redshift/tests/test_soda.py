"""Soda verifies a contract on the stand-in."""

from pathlib import Path

from redshift_stand_in.client import Client
from redshift_stand_in.server import Redshift

CONTRACT = """
dataset: stand_in/warehouse/soda_s/people
columns:
  - name: id
    data_type: bigint
    checks:
      - missing:
      - duplicate:
  - name: name
    data_type: varchar
    character_maximum_length: 20
    checks:
      - missing:
          threshold:
            must_be_less_than: 2
      - invalid:
          valid_max_length: 20
  - name: amount
    data_type: numeric
    checks:
      - aggregate:
          function: avg
          threshold:
            must_be_between:
              greater_than_or_equal: 1
              less_than_or_equal: 3
  - name: at
    data_type: timestamp without time zone
checks:
  - schema:
  - row_count:
      threshold:
        must_be: {rows}
  - duplicate:
      columns: [id, name]
  - freshness:
      column: at
      threshold:
        unit: day
        must_be_less_than: 100000
  - failed_rows:
      expression: amount < 0
  - metric:
      query: SELECT count(*) FROM soda_s.people
      threshold:
        must_be: 3
"""
SOURCE = """
type: redshift
name: stand_in
connection:
  host: {host}
  port: {port}
  user: {user}
  password: {password}
  database: warehouse
"""


def test_contract(redshift: Redshift, sql: Client, tmp_path: Path, monkeypatch) -> None:
    import soda_core.contracts.contract_verification  # noqa: F401  (before the API, which imports it in a circle)
    from soda_core.contracts.api.verify_api import verify_contract_locally

    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(redshift.ca))
    sql("CREATE SCHEMA soda_s")
    sql("CREATE TABLE soda_s.people (id BIGINT PRIMARY KEY, name VARCHAR(20), amount DECIMAL(10, 2), at TIMESTAMP)")
    sql("INSERT INTO soda_s.people VALUES (1, 'a', 1, getdate()), (2, 'b', 2, getdate()), (3, NULL, 3, getdate())")
    source = tmp_path / "source.yml"
    source.write_text(
        SOURCE.format(host=redshift.host, port=redshift.port, user=redshift.user, password=redshift.password)
    )
    for rows, failing in ((3, set()), (4, {"row_count"})):
        contract = tmp_path / f"{rows}.yml"
        contract.write_text(CONTRACT.replace("{rows}", str(rows)))
        session = verify_contract_locally(contract_file_path=str(contract), data_source_file_path=str(source))
        outcomes = {
            r.check.type: r.outcome.name for found in session.contract_verification_results for r in found.check_results
        }
        assert not session.has_errors, session.get_errors_str()
        failed = {name for name, outcome in outcomes.items() if outcome != "PASSED"}
        assert failed == failing, outcomes
        assert len(outcomes) >= 8
