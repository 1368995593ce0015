"""Figures over HTTP: the period asked for, whose figures, files to take away, and every wrong question."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving.figures.sheets import safe
from serving.keys import KeyRing, Role
from tests.serving.conftest import Headers
from tests.serving.store.made import decided, reviewed, suggested
from tests.serving.test_api import fields, problem

OCTOBER, NOVEMBER = datetime(2025, 10, 5, 4, tzinfo=UTC), datetime(2025, 11, 5, 4, tzinfo=UTC)
HOSTILE = '=HYPERLINK("http://x","牌头镇")'
MONTH = {"period": "month", "day": "2025-11-20"}


@pytest.fixture(scope="module")
def reviewer(app: FastAPI, client: TestClient, keys: dict[Role, Headers]) -> Headers:
    entries: list[Any] = []
    for month, at, thefts, leaks in (("oct", OCTOBER, 8, 2), ("nov", NOVEMBER, 6, 4)):
        for number in range(thefts + leaks):
            theft = number < thefts
            shown = suggested(f"{month}-{number}", at=at, category="theft" if theft else "neighbour_dispute",
                              destination="police_station" if theft else "grassroots_platform",
                              location={"text": "", "district": "诸暨市", "town": HOSTILE})  # fmt: skip
            entries += [shown, decided(shown, consent="not_asked" if theft else "given")]
    entries.append(reviewed("nov-9", verdict="correct", category="noise"))
    app.state.recorder.write(entries)
    return keys[Role.REVIEWER]


def test_a_month(client: TestClient, reviewer: Headers) -> None:
    found = client.get("/v1/stats", params=MONTH, headers=reviewer).json()
    assert found["span"] == {"since": "2025-11-01", "to": "2025-11-30"}
    assert (found["now"]["calls"], found["previous"]["calls"], found["year_ago"]["calls"]) == (10, 10, 0)
    assert found["now"]["effective"] == 7  # six thefts, and noise, which is the police's in Hangzhou
    assert found["change"]["effective"] == {"previous": -0.125, "year_ago": None}
    assert found["now"]["diversion_rate"] == pytest.approx(0.3)
    assert found["pending"] == 0
    assert found["sentence"] == (
        "2025年11月共接报有效警情7起，环比下降12.5%，同比无可比数据；分流非警务3件，环比上升50.0%，"
        "同比无可比数据，分流率30.0%，其中镇街基层治理四平台3件。"
    )


def test_this_month_is_the_default(client: TestClient, reviewer: Headers) -> None:
    found = client.get("/v1/stats", headers=reviewer).json()
    assert (found["period"], found["complete"]) == ("month", False)
    days = {"since": "2025-11-05", "to": "2025-11-05"}
    assert client.get("/v1/stats", params=days, headers=reviewer).json()["now"]["calls"] == 10


def test_confusion_and_its_calls(client: TestClient, reviewer: Headers) -> None:
    (cell,) = client.get("/v1/stats", params=MONTH, headers=reviewer).json()["confusion"]["cells"]
    assert (cell["suggested"], cell["reviewed"], cell["calls"]) == ("neighbour_dispute", "noise", 1)
    (same,) = client.get("/v1/stats/confusion", params=MONTH, headers=reviewer).json()["cells"]
    assert same == cell
    by_urgency = client.get("/v1/stats/confusion", params=MONTH | {"label": "urgency"}, headers=reviewer).json()
    assert (by_urgency["reviewed"], by_urgency["agreed"]) == (1, 1)
    drill = {"suggested_category": "neighbour_dispute", "reviewed_category": "noise", "review": "done",
             "since": "2025-11-01", "to": "2025-11-30"}  # fmt: skip
    assert [c["call_id"] for c in client.get("/v1/calls", params=drill, headers=reviewer).json()["calls"]] == ["nov-9"]


def test_whose_figures(client: TestClient, reviewer: Headers, app: FastAPI, keys: dict[Role, Headers]) -> None:
    secret = KeyRing(app.state.keys.path).create(Role.REVIEWER, "", "ningbo")[1]
    ningbo = {"Authorization": f"Bearer {secret}"}
    found = client.get("/v1/stats", params=MONTH, headers=ningbo).json()
    assert (found["city"], found["now"]["calls"]) == ("ningbo", 0)
    for path in ("/v1/stats", "/v1/stats.csv", "/v1/stats.xlsx", "/v1/stats/confusion"):
        problem(client.get(path, params=MONTH | {"city": "hangzhou"}, headers=ningbo), 403, "forbidden")
        problem(client.get(path, params=MONTH, headers=keys[Role.OPERATOR]), 403, "forbidden")
        problem(client.get(path, params=MONTH), 401, "unauthenticated")
        for role in (Role.REVIEWER, Role.SCIENTIST, Role.ADMIN):
            assert client.get(path, params=MONTH | {"city": "hangzhou"}, headers=keys[role]).status_code == 200
    by_12345 = client.get("/v1/stats", params=MONTH | {"channel": "12345"}, headers=reviewer).json()
    assert by_12345["now"]["calls"] == 0


def test_csv(client: TestClient, reviewer: Headers) -> None:
    answer = client.get("/v1/stats.csv", params=MONTH, headers=reviewer)
    assert answer.headers["content-disposition"] == 'attachment; filename="yidiantong-20251101-20251130.csv"'
    assert answer.content.startswith("\ufeff".encode())
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert ["有效警情", "7", "8", "0", "-0.125", ""] in rows
    assert ["theft", "盗窃", "刑事", "6", "6", "0", "0", "6", "0", "6", "0", "8", "0"] in rows
    assert ["邻里纠纷", "生活与商业噪声", "1", "不一致"] in rows
    assert any(row[1:2] == [f"'{HOSTILE}"] for row in rows)


def test_xlsx(client: TestClient, reviewer: Headers) -> None:
    answer = client.get("/v1/stats.xlsx", params=MONTH, headers=reviewer)
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == [
        "概况",
        "走势",
        "按类别",
        "按大类",
        "按去向",
        "按流转方式",
        "按镇街",
        "按时段",
        "建议与复核",
    ]
    summary = {row[0]: row[1:] for row in book["概况"].iter_rows(values_only=True)}
    assert summary["有效警情"] == (7, 8, 0, -0.125, None)
    assert summary["期间"][0] == "2025年11月"
    (town,) = book["按镇街"].iter_rows(min_row=2)
    assert (town[1].value, town[1].data_type) == (f"'{HOSTILE}", "s")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\n=1", "|x"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert str(safe(text)).startswith("'")


def test_other_cells_stay() -> None:
    assert [safe(cell) for cell in ("古荡街道", "2025-11-01", "a=b", -5, -0.5, None, "")] == [
        "古荡街道", "2025-11-01", "a=b", -5, -0.5, None, "",
    ]  # fmt: skip
    assert safe("a\x00b") == "ab"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "2025-11-30", "to": "2025-11-01"}, "to"),
        ({"since": "2001-01-01", "to": "2025-11-01"}, "to"),
        ({"since": "2025-11-30"}, "to"),
        ({"to": "2025-11-30"}, "since"),
        ({"period": "custom"}, "since"),
        ({"period": "month", "since": "2025-11-01"}, "since"),
        ({"period": "custom", "day": "2025-11-01", "since": "2025-11-01", "to": "2025-11-02"}, "day"),
        ({"since": "1999-01-01", "to": "2025-11-01"}, "query.since"),
        ({"day": "9999-12-31"}, "query.day"),
        ({"day": "2025-02-29"}, "query.day"),
        ({"day": "soon"}, "query.day"),
        ({"period": "fortnight"}, "query.period"),
        ({"channel": "119"}, "query.channel"),
        ({"city": "a\x00"}, "query.city"),
        ({"city": ""}, "query.city"),
        ({"mood": "good"}, "query.mood"),
    ],
)
def test_wrong_questions(client: TestClient, reviewer: Headers, query: dict[str, str], field: str) -> None:
    for path in ("/v1/stats", "/v1/stats.csv"):
        assert fields(problem(client.get(path, params=query, headers=reviewer), 422, "invalid"))[0] == field
