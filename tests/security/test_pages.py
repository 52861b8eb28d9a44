"""A hostile page costs seconds and megabytes at most, and names no file and no other page."""

import time

import pytest

from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import SourceError, land, refine
from tests.dlt_sources.test_html_table import PATH, page_of, source_of, versions

SECONDS = 20
"""What each of these pages may take, on a busy machine; without its limit each takes minutes, hours or all memory."""
ENTITIES = b"<!ENTITY a0 'lol'>" + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))


@pytest.fixture
def shop(tmp_path, site):
    return source_of(tmp_path, site)


def header_of(text):
    return page_of(("A", "1"), head=("Model", text))


def named(encoding, body=b""):
    return page_of(("A", "1")) + b"<!-- " + body + b" -->", {"content-type": f"text/html; charset={encoding}"}


HOSTILE = {  # the page, the answer's headers, what is said
    "endless tags": (page_of(("A", "1"), after="<b>" * 1_500_000), {}, "more than 1000000 tags.*`max_tags`"),
    "endless cells": (page_of(*[("A", "1")] * 300_000), {}, "more than 1000000 tags"),
    "a header of brackets": (
        header_of("(" * 200_000),
        {},
        r"a header of 200000 characters is not a column's name: \({50}\.\.\.",
    ),
    "an encoding that is slow": (*named("punycode", b"a9b" * 500_000), "not in its encoding punycode"),
    "an encoding of names": (*named("idna"), "not in its encoding idna"),
    "an encoding that is none": (*named("zlib"), "not in its encoding zlib"),
    "an encoding that is not a word": (*named("utf-8-0123456789" * 100), "not in its encoding"),
    "endless metas": (b"<html>" + b"<meta" * 900_000 + b"</html>", {}, "no table at"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_page_is_refused_in_seconds(shop, here, site, kind):
    site.files[PATH], site.dates[PATH], why = HOSTILE[kind]
    start = time.monotonic()
    with pytest.raises(SourceError, match=why) as error:
        land(shop, here)
    assert time.monotonic() - start < SECONDS
    assert len(str(error.value)) < 3000 and Landing("shop", here).loads() == []


HARMLESS = {
    "nested deep": page_of(("A", "1"), before="<div>" * 100_000),
    "tables in tables": page_of(("A", "1"), after="<table><tr><td>" * 5_000),
    "many attributes": page_of(("A", "1"), before=f"<p {' '.join(f'a{n}=1' for n in range(100_000))}>"),
    "a long attribute": page_of(("A", "1"), before=f"<p a='{'x' * 12_000_000}'>"),
    "comments that do not end": page_of(("A", "1"), after="<!-- <![CDATA[" * 100_000),
    "signs that are not tags": page_of(("A", "1"), after="<" * 900_000),
    "elements that cross": page_of(("A", "1"), after="<a><b><i>" * 20_000 + "<p>" * 20_000),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_an_odd_page_is_read_in_seconds(shop, here, site, kind):
    site.files[PATH] = HARMLESS[kind]
    start = time.monotonic()
    assert land(shop, here) == {"things": 1}
    assert time.monotonic() - start < SECONDS


def test_entities_are_text_and_open_no_file(shop, here, site):
    types = (
        b"<!DOCTYPE html ["
        + ENTITIES
        + b"<!ENTITY x SYSTEM 'file:///etc/passwd'><!ENTITY y SYSTEM '%s/y'>]>" % site.url.encode()
    )
    site.files[PATH] = page_of(("A", "&a9;|&x;|&y;")).replace(b"<!DOCTYPE html>", types)
    land(shop, here)
    refine(shop, here)
    assert versions(here) == [("A", "&a9;|&x;|&y;", False)]
    assert [path for path, _ in site.asked()] == [PATH]
