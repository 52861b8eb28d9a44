"""The scan for many markers at once finds what a comparison with each of them finds: a marker it missed would be no failure."""

from hypothesis import given
from hypothesis import strategies as st

from tests.privacy.scan import Search

TEXTS = st.text(st.sampled_from("abAB@.é"), min_size=1, max_size=20)


class InSmallParts(Search):
    """A search that takes a few bytes of a text at a time, so that most markers lie across two parts."""

    TAKEN = 5


@given(st.lists(TEXTS, max_size=6), st.lists(TEXTS | st.integers(0, 5), max_size=8))
def test_a_marker_is_found_wherever_it_is_and_no_other(markers, pieces):
    """A number among the pieces is a marker, by its place."""
    parts = [markers[piece % len(markers)] if isinstance(piece, int) and markers else str(piece) for piece in pieces]
    whole = "".join(parts).casefold().encode()
    expected = [marker for marker in markers if marker.casefold().encode() in whole]
    assert sorted(InSmallParts(markers).found_in(whole)) == sorted(Search(markers).found_in(whole)) == sorted(expected)
