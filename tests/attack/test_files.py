"""Files that were cut, replaced or made to break their reader: an error that names the file, never another."""

import contextlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.deadlines import deadlines
from data.disguise import load_disguises, uncover
from data.pinyin import load_terms
from data.policy import Rule
from data.records import Turn
from data.redaction import redact, redact_turns
from data.tables import DATA_DIR, DataError, load_table
from model.checklist import load_checklists
from model.red_flags import load_flags
from model.release import BUNDLED, FILES
from model.risk import load_costs
from model.stability import load_stability
from model.suggest import Suggester
from tests.conftest import said
from tests.releases import copied
from training.importing.mapping import load_mapping
from training.importing.readers import rows

LOADERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "red_flags.csv": (load_flags, "red_flags.csv"),
    "checklists.csv": (load_checklists, "checklists.csv"),
    "costs.csv": (load_costs, "costs.csv"),
    "stability.csv": (load_stability, "stability.csv"),
    "deadlines.csv": (deadlines, "deadlines.csv"),
    "pinyin.csv": (load_terms, "pinyin.csv"),
    "disguises.csv": (load_disguises, "disguises.csv"),
    "a policy": (lambda path: load_table(path, Rule), "policies/hangzhou.csv"),
    "a mapping": (load_mapping, ""),
}
SPOILT = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize("name", LOADERS)
@SPOILT
@given(st.binary(max_size=60), st.floats(0, 1), st.integers(0, 40))
def test_spoilt_tables(tmp_path: Path, name: str, junk: bytes, where: float, gone: int) -> None:
    load, file = LOADERS[name]
    good = (
        (DATA_DIR / file).read_bytes()
        if file
        else b'[columns]\ntext = "a"\ncategory = "b"\n[categories]\n"x" = "theft"\n'
    )
    at = int(len(good) * where)
    path = tmp_path / "spoilt.csv"
    path.write_bytes(good[:at] + junk + good[at + gone :])
    with contextlib.suppress(DataError):
        load(path)


def workbook(sheet: bytes) -> bytes:
    """A workbook whose first sheet is `sheet`."""
    book, target = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(book)
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, sheet if entry.filename == "xl/worksheets/sheet1.xml" else old.read(entry))
    return target.getvalue()


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
SHEETS = {
    "a billion laughs": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">'
    + LAUGHS
    + b"]><worksheet>&l9;</worksheet>",
    "a file of this machine": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><worksheet>&f;</worksheet>',
    "cut short": b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inl',
    "no XML": b"\x00\x01",
    "deep": b"<a>" * 200_000,
}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_workbooks_that_are_none(tmp_path: Path, sheet: bytes) -> None:
    path = tmp_path / "own.xlsx"
    path.write_bytes(workbook(sheet))
    with pytest.raises(DataError) as error:
        list(rows(path))
    assert error.value.file == path
    assert "root:" not in str(error.value)


def test_a_zip_in_a_zip_and_names_that_lead_out_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "own.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../out.txt", "x")
        archive.writestr("/tmp/out.txt", "x")
        archive.writestr("inner.xlsx", workbook(b"<a/>"))
    with pytest.raises(DataError):
        list(rows(path))
    assert [found.name for found in tmp_path.rglob("*")] == ["own.xlsx"]


@pytest.mark.parametrize("file", [FILES.encoder, FILES.heads, FILES.tokenizer, FILES.fallback])
def test_a_model_file_that_is_replaced_while_it_serves_changes_nothing(tmp_path: Path, file: str) -> None:
    folder = copied(tmp_path / "r", "r")
    suggester = Suggester(folder, threads=1)
    call = said("他拿着刀在楼下砍人，快来")
    before = suggester.suggest(call)
    path = folder / file
    size = path.stat().st_size
    with path.open("r+b") as opened:  # in place, as `cp` over it does
        opened.write(b"\x00" * (size // 2))
        opened.truncate(size // 2)
    after = suggester.suggest(call)
    path.unlink()
    for found in (after, suggester.suggest(said("他拿着刀在楼下砍人，快来"))):
        assert (found.category, found.urgency, found.destination, found.degraded) == (
            before.category, before.urgency, before.destination, ())  # fmt: skip
    assert BUNDLED.is_dir()


PERSONAL = "我叫欧阳建国，电话13800138000，身份证330106197803124513，住古荡新村12幢301室"
NOISE = st.sampled_from(["\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060", "\x01"])


@given(NOISE)
def test_a_number_with_invisible_characters_within_is_redacted_too(mark: str) -> None:
    written = mark.join("电话13800138000")
    left = "".join(char for char in redact(written) if char.isdigit())
    assert len(left) < 5, redact(written)


@given(
    st.text(max_size=40), st.integers(0, len(PERSONAL)), st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
)
def test_redaction_of_anything_never_fails_and_never_grows_what_it_read(before: str, at: int, between: str) -> None:
    text = before.encode("utf-8", "replace").decode() + PERSONAL[:at] + between + PERSONAL[at:]
    (done,) = redact_turns([Turn(speaker="caller", text=text)])
    assert redact(done.text).count("〔") >= done.text.count("〔") - 1
    assert uncover(done.text).text is not None
