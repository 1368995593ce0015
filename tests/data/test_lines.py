"""Lines of JSON objects: numbered, bounded, and told apart from what is none."""

import io

import pytest

from data.lines import LONGEST_LINE, bounded_lines, json_object


def test_lines_keep_their_numbers_and_an_overlong_one_is_skipped() -> None:
    file = io.BytesIO(b"a\n\n  \n" + b"x" * (2 * LONGEST_LINE + 7) + b"\nlast")
    assert list(bounded_lines(file)) == [(1, b"a\n"), (4, None), (5, b"last")]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (None, f"line over {LONGEST_LINE} bytes"),
        (b"\xff", "not UTF-8"),
        (b"[1]", "not a JSON object"),
    ],
)
def test_objects(raw: bytes | None, found: object) -> None:
    assert json_object(raw) == found


@pytest.mark.parametrize("raw", [b"{", b"[" * 200_000, b"nothing"])
def test_what_is_no_json(raw: bytes) -> None:
    assert str(json_object(raw)).startswith("not JSON")


def test_another_encoding() -> None:
    assert json_object('{"a": "楼上"}'.encode("gb18030"), "gb18030") == {"a": "楼上"}
    assert json_object(b"\xff", "gb18030") == "not GB18030"
