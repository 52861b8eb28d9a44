"""No file says what CONTRIBUTING.md's vocabulary has a better word for."""

import re
import subprocess

from tests.harness import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
OTHERS = ("uv.lock", "superset/uv.lock", "CONTRIBUTING.md", "tests/test_english.py")


def pattern(phrase):
    """A phrase of the table as it stands in a text; ``…`` is any word, and "there is no such file" is English."""
    words = re.escape(phrase).replace("…", r"(?!(?:longer|more|less|way)\b)\S")
    return rf"(?<![Tt]here )\b{words}" + ("" if phrase.endswith("…") else r"\b")


PHRASES = [
    phrase
    for line in re.findall(r"^\| .+ \| (`.+`) \|$", PAGE.partition("| write |")[2], re.M)
    for phrase in re.findall(r"`([^`]+)`", line)
]


def test_no_file_uses_a_phrase_that_the_vocabulary_replaces():
    assert len(PHRASES) > 15
    banned = {phrase.partition("…")[0]: re.compile(pattern(phrase)) for phrase in PHRASES}
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    found = []  # names are read, too: their underscores are blanks
    for name in files:
        if name in OTHERS or name.startswith("tests/aws/statements/"):
            continue
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        spoken = text.replace("_", " ")
        found += [
            f"{name}:{number}: {line.strip()[:120]}"
            for begin, phrase in banned.items()
            if begin in spoken  # a text is taken apart for the phrases that it may have
            for number, line in enumerate(text.splitlines(), 1)
            if phrase.search(line) or phrase.search(line.replace("_", " "))
        ]
    assert found == []


def test_a_name_is_read_as_a_phrase():
    banned = re.compile("|".join(map(pattern, PHRASES)))
    assert banned.search("def test_a_file_that_is_no_contract():".replace("_", " "))
    assert not banned.search("def test_where_there_is_no_file():".replace("_", " "))


def test_the_patterns_find_the_phrases_and_leave_english_alone():
    banned = re.compile("|".join(map(pattern, PHRASES)))
    assert all(banned.search(f"It {phrase.replace('…', 'folder')} today") for phrase in PHRASES)
    assert not banned.search("There is no such file; it is no longer there, the bill of materials")
