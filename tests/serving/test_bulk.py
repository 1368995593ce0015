"""Bulk prediction: same order, nothing lost, a bad line does not stop the run, memory stays."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from data.lines import LONGEST_LINE
from model.fallback import Linear
from model.suggest import Suggester
from serving.bulk import Totals, predict
from tests.texts import ANSWERED, REFUSED


def run(
    folder: Path, content: bytes, suggester: Suggester, city: str | None = None
) -> tuple[list[dict[str, Any]], Totals]:
    (folder / "calls.jsonl").write_bytes(content)
    totals = predict(folder / "calls.jsonl", folder / "out.jsonl", suggester, city, lambda read: None)
    return [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()], totals


def lines(*rows: Any) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows)


def test_every_line_gets_its_line_in_order(tmp_path: Path, suggester: Suggester) -> None:
    content = lines(
        {"id": "a", "text": "称电瓶车被偷", "extra": 1},
        b"not json",
        {"id": "b", "turns": [{"speaker": "caller", "text": "诸暨牌头这边楼上漏水"}], "city": "shaoxing"},
        {"id": "c", "text": ""},
        b"",
        {"id": "d", "text": "喂", "city": "atlantis"},
        '{"id": "e", "text": "楼上漏水"}'.encode("gb18030"),
        [1, 2],
        {"id": 5, "text": "挪车"},
        b'{"text": "\\ud800", "id": "\\ud800"}',
        b"[" * 50_000,
        {"id": "f", "text": "啊" * 20_001},
        {"id": "g", "turns": [{"speaker": "caller", "text": "喂"}] * 401},
        {"id": "h", "turns": [{"speaker": "ghost", "text": "喂"}]},
        {"id": "i", "turns": [{"speaker": "caller", "text": "喂", "mood": 1}]},
        {"id": "z", "text": "一个女的要跳楼"},
    )
    rows, totals = run(tmp_path, content, suggester)
    assert [row["id"] for row in rows] == ["a", None, "b", "c", "d", None, None, 5, "?", None, "f", "g", "h", "i", "z"]
    errors = {row["id"]: row["error"] for row in rows if "error" in row and row["id"]}
    assert set(errors) == {"c", "d", "?", "f", "g", "h", "i"}
    assert "text" in errors["c"]
    assert "atlantis" in errors["d"]
    assert totals == Totals(suggestions=4, errors=11)
    assert rows[0]["category"]["code"] == "theft"
    assert rows[2]["policy_version"].startswith("shaoxing")
    assert rows[-1]["urgency"]["level"] == "emergency"


def test_odd_texts(tmp_path: Path, suggester: Suggester) -> None:
    rows, totals = run(tmp_path, lines(*({"id": n, "text": t} for n, t in (REFUSED | ANSWERED).items())), suggester)
    assert sum("error" in row for row in rows) == len(REFUSED)
    assert totals == Totals(len(ANSWERED), len(REFUSED))


def test_input_and_output_must_differ(tmp_path: Path, suggester: Suggester) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(lines({"id": "a", "text": "挪车"}))
    with pytest.raises(OSError, match="would be overwritten"):
        predict(path, path, suggester, None, lambda read: None)
    assert path.read_bytes()


def test_an_empty_file_and_a_byte_order_mark(tmp_path: Path, suggester: Suggester) -> None:
    assert run(tmp_path, b"", suggester) == ([], Totals(0, 0))
    rows, _ = run(tmp_path, b"\xef\xbb\xbf" + lines({"id": "a", "text": "挪车"}), suggester)
    assert rows[0]["id"] == "a"


def test_a_line_without_end_is_skipped_and_the_next_is_read(tmp_path: Path, suggester: Suggester) -> None:
    rows, totals = run(tmp_path, b"a" * (3 * LONGEST_LINE + 5) + b"\n" + lines({"id": "b", "text": "挪车"}), suggester)
    assert "over" in rows[0]["error"]
    assert rows[1]["id"] == "b"
    assert totals == Totals(1, 1)


@pytest.fixture(scope="module")
def quick() -> Suggester:
    return Suggester(model=Linear())


def test_memory_does_not_grow_with_the_file(tmp_path: Path, quick: Suggester) -> None:
    peaks = []
    for count in (1_000, 4_000):
        content = lines(*({"id": str(n), "text": f"称{n}号楼下电瓶车被偷"} for n in range(count)))
        tracemalloc.start()
        rows, totals = None, None
        (tmp_path / "calls.jsonl").write_bytes(content)
        del content
        tracemalloc.reset_peak()
        totals = predict(tmp_path / "calls.jsonl", tmp_path / "out.jsonl", quick, None, lambda read: None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert totals == Totals(count, 0)
        assert rows is None
    assert peaks[1] < peaks[0] * 1.5 + 1_000_000
