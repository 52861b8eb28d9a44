"""Excel sheets, packed CSV and other encodings: the same rows as the plain CSV has, or a refusal that says why."""

import gzip
import io
import zipfile
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlt_sources._steps.land.connectors.text_files import _cell
from dlt_sources.door import DeclarationError, SourceError, land
from tests.dlt_sources.shop import run, source_of, staged

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
STYLES = """<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font/></fonts><fills count="1"><fill><patternFill patternType="none"/></fill></fills>
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>"""


def xlsx(*sheets, extra=b""):
    """A workbook as Excel packs it; a sheet is a name and rows of cells, which are texts or (XML attributes, XML of the value)."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{KIND}.worksheet+xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/>{kinds}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/styles.xml": STYLES,
    }
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="s{n}"/>' for n, (name, _) in enumerate(sheets, 1)
    )
    parts["xl/workbook.xml"] = f'<workbook {main} xmlns:r="{office}"><sheets>{names}</sheets></workbook>'
    links = "".join(
        f'<Relationship Id="s{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{package}/relationships">{links}<Relationship Id="st" Type="{office}/styles" Target="styles.xml"/></Relationships>'
    )
    for n, (_, rows) in enumerate(sheets, 1):
        lines = ""
        for y, row in enumerate(rows, 1):
            cells = "".join(_xml(f"{'ABCDEFGH'[x]}{y}", cell) for x, cell in enumerate(row) if cell is not None)
            lines += f'<row r="{y}">{cells}</row>'
        parts[f"xl/worksheets/sheet{n}.xml"] = f"<worksheet {main}><sheetData>{lines}</sheetData></worksheet>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
        if extra:
            file.writestr("xl/media/extra.bin", extra)
    return packed.getvalue()


def _xml(place, cell):
    if isinstance(cell, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    attributes, value = cell
    return f'<c r="{place}" {attributes}><v>{value}</v></c>'


CELLS = {
    "text": ("a", "a"),
    "text of digits": ("007", "007"),
    "number": (("", "7"), "7"),
    "large number": (("", "123456789012"), "123456789012"),
    "decimal": (("", "0.1"), "0.1"),
    "decimal as Excel keeps it": (("", "0.10000000000000001"), "0.1"),
    "exponent": (("", "1E+3"), "1000"),
    "date": (('s="1"', "45322"), "2024-01-31"),
    "moment": (('s="2"', "45322.5"), "2024-01-31T12:00:00"),
    "date as a number": (("", "45322"), "45322"),
    "true": (('t="b"', "1"), "true"),
    "line break": ("a\nb", "a\nb"),
    "quote and comma": ('say "hi", ü', 'say "hi", ü'),
    "blank": (" x ", " x "),
    "formula's text": (('t="str"', "made"), "made"),
    "nothing": (None, None),
    "empty text": ("", None),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_of_a_sheet_is_the_text_that_a_csv_would_have(tmp_path, here, inbox, kind):
    cell, text = CELLS[kind]
    shop = source_of(tmp_path, inbox)
    (inbox / "a.xlsx").write_bytes(xlsx(("Sheet1", [["id", "name"], [("", "1"), cell], ["2", "end"]])))
    assert run(shop, here) == (2, 2, 0)
    assert staged(here) == [(1, text), (2, "end")]


def test_an_error_in_a_cell_is_not_taken_for_an_empty_one(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    rows = [["id", "name", "code"], ["1", "a", ('t="e"', "#N/A")], ["2", ('t="e"', "#REF!"), ("", "5")]]
    (inbox / "a.xlsx").write_bytes(xlsx(("Sheet1", rows)))
    assert run(shop, here) == (2, 1, 1)
    assert staged(here, "id, name, code") == [(2, "#REF!", 5)]


def test_the_first_sheet_counts_or_the_one_that_is_named(tmp_path, here, inbox):
    body = xlsx(
        ("First", [["id", "name"], ["1", "first"]]),
        ("Ö & co", [[], ["id", "name", None], [], ["2", "second"], [None, None]]),
    )
    (inbox / "a.xlsx").write_bytes(body)
    shop = source_of(tmp_path, inbox, {"sheet": "Ö & co"})
    assert run(shop, here) == (1, 1, 0)
    assert staged(here) == [(2, "second")]
    (inbox / "b.xlsx").write_bytes(xlsx(("First", [["id", "name"], ["1", "first"]])))
    with pytest.raises(SourceError, match=r"b\.xlsx: it has no sheet 'Ö & co'; it has '?First"):
        land(shop, here)
    assert land(source_of(tmp_path, inbox), here) == {"things": 1}


def test_a_row_of_a_sheet_that_is_wider_than_its_header_is_a_rejected_row(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.xlsx").write_bytes(xlsx(("S", [["id", "name"], ["1", "a", "more"], ["2", "b"]])))
    assert run(shop, here) == (2, 1, 1)


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=300)
def test_a_number_of_a_sheet_is_written_so_that_it_is_read_back(number):
    assert float(_cell(number)) == number


@pytest.mark.parametrize("ending", ["csv.gz", "CSV.GZ", "txt.gz"])
def test_a_packed_csv_is_read(tmp_path, here, inbox, ending):
    shop = source_of(tmp_path, inbox)
    (inbox / f"a.{ending}").write_bytes(gzip.compress(b"id,name\n1,a\n") + gzip.compress(b"2,b\n"))
    assert run(shop, here) == (2, 2, 0)
    assert staged(here) == [(1, "a"), (2, "b")]


BOMB = gzip.compress(b"id,name\n" + b"1,a\n" * 1_500_000)
DAMAGED = {
    "cut.csv.gz": (gzip.compress(b"id,name\n1,a\n" * 1000)[:-20], "cannot be unpacked"),
    "plain.csv.gz": (b"id,name\n1,a\n", "cannot be unpacked"),
    "flipped.csv.gz": (gzip.compress(b"id,name\n1,a\n")[:-8] + b"00000000", "cannot be unpacked"),
    "nothing.csv.gz": (gzip.compress(b""), "is empty"),
    "bomb.csv.gz": (BOMB, "unpacked it is longer than 5 MB"),
    "text.xlsx": (b"id,name\n1,a\n", "cannot be read"),
    "zip.xlsx": (b"PK\x05\x06" + bytes(18), "cannot be read"),
    "cut.xlsx": (xlsx(("S", [["id", "name"]]))[:-30], "cannot be read"),
    "bomb.xlsx": (xlsx(("S", [["id", "name"]]), extra=bytes(6_000_000)), "unpacked it is longer than 5 MB"),
    "empty.xlsx": (xlsx(("S", [])), "is empty"),
    "lacks.xlsx": (xlsx(("S", [["id"], ["1"]])), "no column name"),
    "old.xls": (b"\xd0\xcf\x11\xe0", "rename it by its type"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_cannot_be_unpacked_is_refused_and_the_others_land(tmp_path, here, inbox, name):
    shop = source_of(tmp_path, inbox, {"max_unpacked_megabytes": 5})
    body, why = DAMAGED[name]
    (inbox / name).write_bytes(body)
    (inbox / "good.csv").write_text("id,name\n1,a\n")
    with pytest.raises(SourceError, match=rf"{name}: .*{why}"):
        land(shop, here)
    run_again = source_of(tmp_path, inbox, files="good.csv")
    assert land(run_again, here) == {}  # it has landed


@pytest.mark.few(4)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-32", "cp850", "mac-roman"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_is_read_in_its_encoding(tmp_path, here, inbox, encoding, packed):
    shop = source_of(tmp_path, inbox, {"encoding": encoding})
    body = 'id,name\r\n1,"größe, é\nè"\r\n2,x\r\n'.encode(encoding)
    (inbox / ("a.csv.gz" if packed else "a.csv")).write_bytes(gzip.compress(body) if packed else body)
    assert run(shop, here) == (2, 2, 0)
    assert staged(here) == [(1, "größe, é\nè"), (2, "x")]


def test_a_csv_that_is_not_in_its_encoding_is_refused(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox, {"encoding": "utf-16"})
    (inbox / "a.csv").write_bytes(b"id,name\n1,a\n2")
    with pytest.raises(SourceError, match=r"a\.csv: it is not in the encoding utf-16"):
        land(shop, here)


@pytest.mark.parametrize("name", ["utf8000", "base64", "rot13", "idna", "zlib"])
def test_an_encoding_that_is_none_is_refused_at_once(tmp_path, inbox, name):
    with pytest.raises(DeclarationError, match=r"encoding"):
        source_of(tmp_path, inbox, {"encoding": name})
