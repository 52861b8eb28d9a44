"""A database server that is away is said in words, with the host and why, and without the login."""

import pytest

from dlt_sources._steps.land.connectors.sql_database import reach
from dlt_sources.door import SourceError


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "mysql+pymysql", "postgresql"])
@pytest.mark.parametrize(
    ("place", "why"), [("nowhere.invalid", "not known|not translate|resolution"), ("127.0.0.1:9", "refused")]
)
def test_a_server_that_is_not_found_or_not_there_is_named(kind, place, why):
    with pytest.raises(SourceError, match="could not be reached") as away:
        reach("shop", f"{kind}://me:secret@{place}/db")
    said = str(away.value)
    assert place.split(":")[0] in said and "secret" not in said and "gaierror" not in said
