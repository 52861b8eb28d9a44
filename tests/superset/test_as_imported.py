"""`dashboards serve --as-imported` serves what an import left and imports nothing, as each of several replicas must."""

import pytest

from superset.door import install
from tests.harness import Pipeline


@pytest.mark.slow
def test_serving_as_imported_before_an_import_says_what_comes_first(tmp_path):
    nothing = Pipeline(tmp_path / "data", {})
    nothing.folder.mkdir()
    (nothing.folder / "serving.duckdb").touch()
    result = nothing("dashboards", "serve", "--as-imported")
    assert result.code == 2 and "dashboards import" in result.err and "Traceback" not in result.err


def test_an_environment_that_is_there_is_not_installed_again(tmp_path, monkeypatch):
    """As in the image: there is no uv, and nothing can be written."""
    from hashlib import sha256

    from superset import door

    (tmp_path / ".venv").mkdir()
    (tmp_path / "uv.lock").write_bytes(b"lock")
    mark = tmp_path / ".venv" / ".ready"
    monkeypatch.setattr(door, "FOLDER", tmp_path)
    monkeypatch.setenv("UV", "/nonexistent/uv")
    mark.write_text(sha256(b"lock").hexdigest())
    install(None)
    mark.write_text("another lock")
    with pytest.raises(door.DashboardError, match="uv is needed"):
        install(None)
