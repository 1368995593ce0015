"""A city's own records: every kind of file, their names, what is refused and why."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from data.corpus import load_corpus
from data.lines import LONGEST_LINE
from data.tables import DataError
from data.taxonomy import Urgency
from training.duplicates import groups
from training.importing.mapping import CodeMap, load_mapping
from training.importing.readers import rows, sniffed
from training.importing.records import NUL, REJECTED, UNMAPPED, import_records

MAPPING = """
skip = ["测试*"]
[columns]
text = "报警内容"
category = "类别"
urgency = "等级"
[categories]
"盗窃/电动车" = "theft"
"盗窃*" = "theft"
"噪音*" = "noise"
"噪音/工地" = "construction_noise"
"[车事]*" = "crash_damage"
[urgencies]
"一级" = "emergency"
"三级" = "routine_onsite"
"""
RECORDS = [
    ("报警内容", "类别", "等级"),
    ("称停在小区门口的电动车被偷，电话13812345678", "盗窃/电动车", "三级"),
    ("工地半夜施工", "噪音/工地", ""),
    ("楼上小孩跳绳", "噪音/生活", ""),
    ("测试", "测试来电", ""),
    ("车被撞了", "车祸", "一级"),
    ("不知道", "其他/其他", ""),
    ("楼上小孩跳绳！", "噪音/生活", ""),
    ("", "噪音/生活", ""),
    ("有人唱歌", "噪音/生活", "特级"),
]


@pytest.fixture
def mapping(tmp_path: Path) -> CodeMap:
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return load_mapping(path)


def as_csv(path: Path, encoding: str) -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(RECORDS)
    return path


def as_xlsx(path: Path) -> Path:
    book = Workbook()
    for record in RECORDS:
        book.active.append(record)
    book.save(path)
    return path


def as_dicts() -> list[dict[str, str]]:
    return [dict(zip(RECORDS[0], record, strict=True)) for record in RECORDS[1:]]


def made(kind: str, folder: Path) -> Path:
    if kind in ("utf-8", "utf-8-sig", "gb18030"):
        return as_csv(folder / "records.csv", kind)
    if kind == "xlsx":
        return as_xlsx(folder / "records.xlsx")
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(as_dicts()), folder / "records.parquet")
        return folder / "records.parquet"
    path = folder / "records.jsonl"
    path.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in as_dicts()), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["utf-8", "utf-8-sig", "gb18030", "xlsx", "parquet", "jsonl"])
def test_every_kind_of_file_gives_the_same_corpus(kind: str, mapping: CodeMap, tmp_path: Path) -> None:
    told: list[int] = []
    tally = import_records([made(kind, tmp_path)], mapping, "own", tmp_path / "out", progress=told.append)
    assert (tally.taken, tally.skipped, tally.repeated, told[-1]) == (4, 1, 1, 9)
    assert tally.unmapped == {"其他/其他": 1}
    assert tally.rejected[UNMAPPED] == 1
    items = load_corpus(tmp_path / "out")
    assert [(item.category, item.urgency, item.style) for item in items] == [
        ("theft", Urgency.ROUTINE_ONSITE, "note"),
        ("construction_noise", Urgency.ROUTINE_ONSITE, "note"),
        ("noise", Urgency.ROUTINE_ONSITE, "note"),
        ("crash_damage", Urgency.EMERGENCY, "note"),
    ]
    assert "138" not in items[0].text
    with (tmp_path / "out" / REJECTED).open(encoding="utf-8") as file:
        refused = list(csv.DictReader(file))
    assert [row["reason"] == UNMAPPED for row in refused] == [True, False, False]
    first = 7 if kind in ("utf-8", "utf-8-sig", "gb18030", "xlsx") else 6
    assert int(refused[0]["line"]) == first


def test_a_dry_run_writes_nothing(mapping: CodeMap, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    source = made("utf-8", tmp_path)
    assert import_records([source], mapping, "own", None).taken == 4
    assert set(tmp_path.rglob("*")) == {*before, source}


def test_turns_stay_turns(mapping: CodeMap, tmp_path: Path) -> None:
    turns = [{"speaker": "operator", "text": "110"}, {"speaker": "caller", "text": "楼上吵，我叫王小明"}]
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps({"报警内容": turns, "类别": "噪音"}), encoding="utf-8")
    import_records([path], mapping, "own", tmp_path / "out")
    (item,) = load_corpus(tmp_path / "out")
    assert (item.style, len(item.turns)) == ("dialogue", 2)
    assert "王小明" not in item.turns[1].text


def test_the_same_matter_is_one_group(mapping: CodeMap, tmp_path: Path) -> None:
    story = "报警人称凤起路地铁口停放的一辆黑色雅迪电动车昨天晚上被人偷走，电瓶刚换过，价值两千三百元"
    texts = [story, "完全不同的一件事：隔壁饭店排烟管对着窗户", story.replace("黑色", "白色"), story + "，望处理"]
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(json.dumps({"报警内容": text, "类别": "盗窃"}) for text in texts), encoding="utf-8")
    tally = import_records([path], mapping, "own", tmp_path / "out")
    found = [item.group for item in load_corpus(tmp_path / "out")]
    assert found[0] == found[2] == found[3] != found[1]
    assert tally.grouped == 2


def test_groups_that_a_later_text_joins_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.duplicates.band_keys", lambda text: [int.from_bytes(text.encode()), *map(ord, text)])
    with groups() as found:
        for number, text in enumerate(["ab", "cd", "ef", "bc", "dx", "fy", "ye"], 1):
            assert not found.add(number, text)
        assert [found.root(number) for number in range(1, 8)] == [1, 1, 3, 1, 1, 3, 3]
        assert found.add(8, "bc"), "the very same text"
        assert not found.add(9, "xy")
        assert {found.root(number) for number in range(1, 10)} == {1}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"noise"', '"nois"', "categories.噪音*"),
        ('"emergency"', '"now"', "urgencies.一级"),
        ('text = "报警内容"', "", "columns.text"),
        ("[urgencies]", "[urgencys]", "urgencys"),
        ('skip = ["测试*"]', "skip = 3", "skip"),
    ],
)
def test_a_wrong_mapping_names_the_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_mapping(path)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "no header"),
        ("a.csv", "报警内容;类别\n".encode(), "no column"),
        ("a.csv", b"\xff\xff\xff\n\xff", "neither"),
        ("a.xls", b"", "none of"),
        ("a.xlsx", b"not a zip", "no workbook"),
        ("a.parquet", b"PAR1", "no Parquet"),
        ("gone.csv", None, "cannot be read"),
    ],
)
def test_what_is_no_file_of_records(
    tmp_path: Path, mapping: CodeMap, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content + (b"a;b\n" if b";" in content else b""))
    with pytest.raises(DataError, match=message):
        import_records([path], mapping, "own", None)


def test_a_workbook_that_is_a_bomb(tmp_path: Path, mapping: CodeMap) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    with pytest.raises(DataError, match="would unpack"):
        import_records([path], mapping, "own", None)


def test_bad_rows_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        '报警内容,类别\n一,盗窃\n二\n"三,盗\n窃",噪音\n'.encode() + b"\xe4\xb8" + ",噪音\n四,噪音\n".encode()
    )
    assert sniffed(path) == "utf-8-sig"
    found = [row for _, row in rows(path)]
    assert found[0] == {"报警内容": "一", "类别": "盗窃"}
    assert found[1] == "has 1 columns, not 2"
    assert found[2] == {"报警内容": "三,盗\n窃", "类别": "噪音"}
    assert found[-1] == {"报警内容": "四", "类别": "噪音"}


def test_bad_bytes_in_one_cell_refuse_that_row(tmp_path: Path, mapping: CodeMap) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("报警内容,类别\n".encode() + b"\xe4\xb8" + ",噪音\n狗叫,噪音\n".encode())
    tally = import_records([path], mapping, "own", None, "utf-8")
    assert tally.taken == 1
    assert list(tally.rejected) == ["holds bytes that are not of the file's encoding"]


@pytest.mark.parametrize(("most", "few"), [("utf-8", "gb18030"), ("gb18030", "utf-8")])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_lines_of_another_encoding_are_refused_and_no_others(
    tmp_path: Path, mapping: CodeMap, kind: str, most: str, few: str
) -> None:
    texts = ["狗叫一夜", "歌厅太吵", "有人\n打麻将", "楼上装修", "广场舞", "工地打桩"]
    lines = [json.dumps({"报警内容": text, "类别": "噪音"}, ensure_ascii=False) for text in texts]
    if kind == "csv":
        lines = ["报警内容,类别", *(f'"{text}",噪音' for text in texts)]
    path = tmp_path / f"a.{kind}"
    foreign = [number for number, line in enumerate(lines) if "歌厅" in line or "广场" in line]
    path.write_bytes(
        b"".join(f"{line}\n".encode(few if number in foreign else most) for number, line in enumerate(lines))
    )
    taken, refused = refusals(path, mapping, tmp_path)
    assert taken == ["狗叫一夜", "有人\n打麻将", "楼上装修", "工地打桩"]
    assert refused.total() == 2
    listed = (tmp_path / "out" / REJECTED).read_text(encoding="utf-8").splitlines()[1:]
    wrapped = kind == "csv"  # one text before the second goes over two lines
    assert [line.split(",")[1] for line in listed] == [str(foreign[0] + 1), str(foreign[1] + 1 + wrapped)]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"text,category\na,b\n\xff\xff,\xff\n", 3),
        ("报警内容,类别\n".encode() + "狗叫,噪音\n歌厅吵,噪音\n".encode("gb18030"), 1),
    ],
)
def test_a_file_that_cannot_be_read_at_all_names_the_line(
    tmp_path: Path, mapping: CodeMap, content: bytes, line: int
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"neither of|header that is not") as caught:
        import_records([tmp_path / "a.csv"], mapping, "own", None)
    assert caught.value.line == line


def test_hostile_json_lines(tmp_path: Path, mapping: CodeMap) -> None:
    path = tmp_path / "a.jsonl"
    good = json.dumps({"报警内容": "狗叫", "类别": "噪音"}).encode()
    hostile = [b"[" * 100_000, b"{", b"3", b'{"a": 1}', b'{"\xe6\x8a\xa5": NaN}', b"x" * (2**20 + 5),
               json.dumps({"报警内容": "字" * 20_001, "类别": "噪音"}).encode(),
               json.dumps({"报警内容": "\ud800", "类别": "噪音"}).encode(),
               json.dumps({"报警内容": [{"speaker": "robot", "text": "x"}], "类别": "噪音"}).encode(),
               json.dumps({"报警内容": [{"speaker": "caller", "text": "x"}] * 401, "类别": "噪音"}).encode()]  # fmt: skip
    path.write_bytes(b"\n".join([*hostile, good]))
    tally = import_records([path], mapping, "own", tmp_path / "out", "utf-8")
    assert tally.taken == 1
    assert tally.rejected.total() == len(hostile)
    assert "狗叫" not in (tmp_path / "out" / REJECTED).read_text(encoding="utf-8")


def refusals(path: Path, mapping: CodeMap, folder: Path) -> tuple[list[str], Counter[str]]:
    """The texts taken, and why the others were not."""
    tally = import_records([path], mapping, "own", folder / "out")
    lines = (folder / "out" / "own.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines], tally.rejected


def test_numbers_and_gaps_of_a_parquet_file(tmp_path: Path, mapping: CodeMap) -> None:
    nan = float("nan")
    mapping = mapping.model_copy(update={"categories": {"101": "noise"}, "urgencies": {"1": Urgency.EMERGENCY}})
    table = {"报警内容": ["狗叫", "歌厅吵", "没有类别", "半个类别", "没有等级"],
             "类别": [101.0, 101.0, nan, 101.5, 101.0], "等级": [1.0, nan, 1.0, 1.0, None]}  # fmt: skip
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    taken, refused = refusals(tmp_path / "a.parquet", mapping, tmp_path)
    assert taken == ["狗叫", "歌厅吵", "没有等级"]
    assert refused == {UNMAPPED: 1, "holds a float, not text": 1}
    items = load_corpus(tmp_path / "out")
    assert [item.urgency for item in items] == [Urgency.EMERGENCY, *[Urgency.ROUTINE_ONSITE] * 2]


@pytest.mark.parametrize("value", [float("nan"), 1.5, b"\xe7\x8b\x97", True, Decimal("1.5"), float("inf")])
def test_what_is_no_text_is_not_taken_for_one(tmp_path: Path, mapping: CodeMap, value: object) -> None:
    pq.write_table(pa.table({"报警内容": [value], "类别": ["噪音"]}), tmp_path / "a.parquet")
    assert refusals(tmp_path / "a.parquet", mapping, tmp_path)[0] == []


def test_nul_is_no_character(tmp_path: Path, mapping: CodeMap) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("报警内容,类别\n狗\0叫,噪音\n歌厅吵,噪\0音\n广场舞,噪音\n".encode())
    taken, refused = refusals(path, mapping, tmp_path)
    assert taken == ["广场舞"]
    assert refused == {NUL: 2}
    turns = [{"speaker": "caller", "text": "楼上\0吵"}]
    (tmp_path / "a.jsonl").write_text(json.dumps({"报警内容": turns, "类别": "噪音"}), encoding="utf-8")
    assert import_records([tmp_path / "a.jsonl"], mapping, "own", None).rejected == {NUL: 1}


def test_formulas_are_no_words(tmp_path: Path, mapping: CodeMap) -> None:
    book = Workbook()
    for record in (RECORDS[0], ("狗叫", "噪音"), ('="狗叫"&"不停"', "噪音"), ("#N/A", "噪音"), ("歌厅吵", "=B2")):
        book.active.append(record)
    written = book.active.cell(6, 1, "=A2")  # as programs write that keep a formula's text
    written.data_type = "s"
    book.active.cell(6, 2, "噪音")
    book.save(tmp_path / "a.xlsx")
    taken, refused = refusals(tmp_path / "a.xlsx", mapping, tmp_path)
    assert taken == ["狗叫"]
    assert refused["holds a formula, not what it gives"] == 1
    assert refused.total() == 4


def test_a_line_of_any_length_takes_no_more_memory(tmp_path: Path, mapping: CodeMap) -> None:
    import tracemalloc

    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("报警内容,类别\n狗叫,噪音\n")
        for _ in range(40):
            file.write("字" * LONGEST_LINE)
        file.write(",噪音\n歌厅吵,噪音\n广场舞\n")
    tracemalloc.start()
    found = list(rows(path, "utf-8"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line for line, _ in found] == [2, 3, 4, 5]
    assert "line over" in str(found[1][1])
    assert found[2][1] == {"报警内容": "歌厅吵", "类别": "噪音"}
    assert peak < 20 * LONGEST_LINE
    path.write_text("字" * (LONGEST_LINE + 1), encoding="utf-8")
    with pytest.raises(DataError, match="no header"):
        list(rows(path, "utf-8"))


def test_what_is_there_is_not_overwritten(tmp_path: Path, mapping: CodeMap) -> None:
    source = made("utf-8", tmp_path)
    import_records([source], mapping, "own", tmp_path / "out")
    with pytest.raises(DataError, match="there already"):
        import_records([source], mapping, "own", tmp_path / "out")


def run(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "yidiantong"), "import", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False, env=os.environ)


def test_the_command(tmp_path: Path) -> None:
    made("gb18030", tmp_path)
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    dry = run(tmp_path, "records.csv", "--mapping", "mapping.toml", "--dry-run")
    assert "4 records would be taken" in dry.stdout, dry.stderr
    assert "unmapped: 其他/其他 (1)" in dry.stdout
    assert not (tmp_path / "runs").exists()
    done = run(tmp_path, "records.csv", "--mapping", "mapping.toml", "--output", "corpus")
    assert done.returncode == 0
    assert len(load_corpus(tmp_path / "corpus")) == 4
    for options in (("gone.csv", "--mapping", "mapping.toml"), ("records.csv", "--mapping", "gone.toml"),
                    ("records.csv", "--mapping", "mapping.toml", "--name", "../x"),
                    ("records.csv", "--mapping", "mapping.toml", "--encoding", "rot13")):  # fmt: skip
        failed = run(tmp_path, *options)
        assert failed.returncode == 2
        assert "Traceback" not in failed.stderr


def test_memory_does_not_grow_with_the_file(tmp_path: Path, mapping: CodeMap) -> None:
    import tracemalloc

    def peak(count: int) -> int:
        path = tmp_path / f"{count}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(RECORDS[0])
            writer.writerows((f"第{n}号楼漏水{n * 7919 % 10007}", "噪音", "") for n in range(count))
        tracemalloc.start()
        import_records([path], mapping, "own", None)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(100)
    assert peak(3_000) < 1.5 * peak(1_000) + 200_000
