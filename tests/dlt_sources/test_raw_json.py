"""An answer that is not strictly JSON is split as Python's scanner splits it, and not much slower than one that is."""

import json
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlt_sources._steps.web import raw_json

ODD = [
    "NaN",
    "-Infinity",
    "Infinity",
    "-NaN",
    "NaNa",
    '"NaN"',
    '"\\ud83d"',
    '"\\ude00"',
    '"\\\\ud83d"',
    '"\\\\ud8"',
    '"a\tb"',
    '"\x01"',
    "\x0b",
]
BLANKS = st.sampled_from(["", "", " ", "\n", "\t\r\n"])
SCALARS = st.one_of(
    st.sampled_from(
        [*ODD, "1", "-1.50", "true", "null", '"é \\ud83d\\ude00"', '"\\ud83d\\ud83d\\ude00"', '"\\\\"', '"\\""']
    ),
    st.text(max_size=4).map(json.dumps),
)


def listed(inner):
    return st.lists(st.tuples(BLANKS, inner, BLANKS), max_size=5).map(
        lambda parts: f"[{','.join(map(''.join, parts))}]"
    )


def mapped(inner):
    keys = st.one_of(
        st.sampled_from(['"a"', '"b"', *(odd for odd in ODD if odd[0] == '"')]), st.text(max_size=2).map(json.dumps)
    )
    parts = st.lists(st.tuples(BLANKS, keys, BLANKS, inner, BLANKS), max_size=4)
    return parts.map(lambda found: "{" + ",".join(f"{a}{key}{b}:{value}{c}" for a, key, b, value, c in found) + "}")


ANSWERS = st.recursive(SCALARS, lambda inner: st.one_of(listed(inner), mapped(inner)), max_leaves=12)


def parts_of(body, kind):
    found = raw_json._loosely(body, kind)
    if found is None:
        return None
    return {name: bytes(raw) for name, raw in found.items()} if kind is dict else [bytes(raw) for raw in found]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=st.one_of(listed(ANSWERS), mapped(ANSWERS)),
    cut=st.integers(0, 400),
    put=st.sampled_from(["", "", "", '"', ",", "}", "\\", "N", "\n"]),
)
def test_it_is_split_as_the_scanner_splits_it(text, cut, put):
    """Whatever an answer is, also with a character too many: where the copy is read, the parts are the scanner's, to the letter."""
    body = (text[:cut] + put + text[cut:]).encode("utf-8", "surrogatepass")
    for kind, decoder in ((list, raw_json._LISTS), (dict, raw_json._OBJECTS)):
        found = raw_json._by_a_copy(decoder, body)
        if found is not None:
            split = [bytes(raw) for raw in found] if kind is list else {name: bytes(raw) for name, raw in found.items()}
            assert split == parts_of(body, kind)


def test_one_odd_record_does_not_make_the_whole_answer_slow():
    record = json.dumps({"id": "s1", "items": [{"a": 1, "b": "Köln 🎉"}] * 3})
    body = f'[{",".join([record] * 20_000)},{{"a": "cut \\ud83d", "n": NaN}},{",".join([record] * 20_000)}]'.encode()
    begun = time.process_time()
    found = raw_json.elements(body)
    took = time.process_time() - begun
    begun = time.process_time()
    assert list(map(bytes, found)) == parts_of(body, list)
    assert took < (time.process_time() - begun) / 2
