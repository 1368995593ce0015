"""Every broken table says file, line and field."""

from pathlib import Path

import pytest

from data.tables import DataError, Row, load_table


class Pair(Row):
    code: str
    size: int


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_comments_and_a_byte_order_mark(tmp_path: Path) -> None:
    rows = load_table(write(tmp_path, "\ufeff# why\ncode,size\n\na, 1\n# more\nb,2\n"), Pair)
    assert [(row.code, row.size) for row in rows] == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("content", "line", "field", "message"),
    [
        ("", 1, "", "is empty"),
        ("code,size\na,one\n", 2, "size", "valid integer"),
        ("# c\ncode,size\na,1\na,2\n", 4, "code", "stands already in line 3"),
        ("code,size\na\n", 2, "", "has not 2 columns"),
        ("code,size\na,1,2\n", 2, "", "has not 2 columns"),
        ("code,size,colour\na,1,red\n", 2, "colour", "Extra inputs"),
        ("code\na\n", 2, "size", "required"),
        (b"code,size\na,1\n" + "b,２".encode("gb18030"), 3, "", "is not UTF-8"),
    ],
)
def test_errors_name_the_place(tmp_path: Path, content: str | bytes, line: int, field: str, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        load_table(path, Pair, key=lambda row: row.code)
    assert (caught.value.file, caught.value.line, caught.value.field) == (path, line, field)
    assert str(path) in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_table(tmp_path / "none.csv", Pair)
