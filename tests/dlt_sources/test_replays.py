"""Replays that are cut short, contracts that change, and what of a rejected row people may read."""

import pytest

from dlt_sources.door import SourceError, land, load_sources, refine
from tests.dlt_sources.shop import CONTRACT, HEAD, query, run, source_of, staged


def test_a_replay_cut_between_two_batches_is_finished_by_the_next_refine(tmp_path, here, inbox, monkeypatch):
    shop = source_of(tmp_path, inbox, mode="upsert")
    for name in ("old", "new"):
        (inbox / f"{name}.csv").write_text(HEAD + f"1,{name}\n")
        run(shop, here)
    assert staged(here) == [(1, "new")]
    with monkeypatch.context() as crash:
        crash.setattr("dlt_sources._steps.refine.refine.BATCH", 1)
        write, calls = "dlt_sources._steps.staging.stage.Staging.write", []
        from dlt_sources._steps.staging.stage import Staging

        original = Staging.write
        crash.setattr(write, lambda *a, **k: calls.append(1) or (original(*a, **k) if len(calls) == 1 else 1 / 0))
        with pytest.raises(ZeroDivisionError):
            refine(shop, here, since="0")
    assert staged(here) == [(1, "old")]  # half way
    refine(shop, here)
    assert staged(here) == [(1, "new")]


def test_a_contract_may_gain_and_lose_a_field(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text("id,name,size\n1,a,9\n")
    run(shop, here)
    contract = tmp_path / "sources" / "shop" / "contract.py"
    contract.write_text(CONTRACT + '    size: int | None = column("size", default=None)\n')
    shop = load_sources(contract.parents[1])["shop"]
    (inbox / "b.csv").write_text("id,name,size\n2,b,7\n")
    run(shop, here)
    assert staged(here, "id, size") == [(1, None), (2, 7)]
    contract.write_text(
        CONTRACT.replace('    code: int | None = column("code", path=["Code", "code"], default=None)\n', "")
    )
    shop = load_sources(contract.parents[1])["shop"]
    (inbox / "c.csv").write_text("id,name\n3,c\n")
    run(shop, here)
    assert staged(here, "id, name") == [(1, "a"), (2, "b"), (3, "c")]


def test_of_a_row_with_personal_fields_a_rejection_shows_what_the_contract_names_as_harmless(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    contract = tmp_path / "sources" / "shop" / "contract.py"
    contract.write_text(CONTRACT + '    email: str = column("e-mail", pii="hash", max_length=50)\n')
    shop = load_sources(contract.parents[1])["shop"]
    (inbox / "a.csv").write_text("id,name,email,street\n-1,a,ana@example.com,Home Road 1\n2,b,bo@example.com\n")
    assert run(shop, here) == (2, 0, 2)
    rejected = str(query(here, "SELECT * FROM stg_shop._rejected"))
    assert "'-1'" in rejected.replace('"', "'") and "a.csv" in rejected
    assert not [secret for secret in ("@example.com", "Home Road") if secret in rejected]


def test_a_file_that_is_not_a_month_or_was_there_before_must_be_there(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, files="list.csv")
    with pytest.raises(SourceError, match=r"list\.csv: the server answered 404; check the address"):
        land(shop, here)
    shop = source_of(tmp_path, site.url, files="t_{month}.csv", start="2020-02-01")
    site.files = {"t_2020-02.csv": b"id,name\n1,a\n"}
    assert land(shop, here) == {"things": 1}
    site.files = {"t_2020-02.csv": 403, "t_2020-03.csv": 403}
    with pytest.raises(SourceError, match=r"1 files that were there are not any more, such as t_2020-02\.csv"):
        land(shop, here)
