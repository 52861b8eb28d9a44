from tests.dlt_sources.conftest import here, inbox, site

__all__ = ["here", "inbox", "site"]
