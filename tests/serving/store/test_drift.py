"""Drift read from stored calls, on both databases: planted, absent, too little to tell."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from data.tables import DataError
from model.drift import Profile, tokenizer_of
from model.release import BUNDLED, Release, open_release
from serving import drift
from serving.cli_drift import app
from serving.drift import Watch, by_week, counted, reference, weeks
from serving.figures.periods import Span, window
from serving.settings import Settings
from serving.store.keep import purge
from serving.store.store import Store
from tests.serving.store.made import suggested

RELEASE = open_release(BUNDLED, ())
TODAY = datetime(2026, 11, 26, 4, tzinfo=UTC)  # a Thursday
CODES = ("theft", "noise", "consumer", "gov_consult")


@pytest.fixture(autouse=True)
def thursday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "today", TODAY.date)


def fill(store: Store, prefix: str, at: datetime, many: int, codes: tuple[str, ...] = CODES, **changes: Any) -> None:
    entries = [
        suggested(f"{prefix}-{n}", at=at + timedelta(minutes=n), category=codes[n % len(codes)], **changes)
        for n in range(many)
    ]
    store.apply(entries)


def psi(feature: str) -> float | None:
    return REGISTRY.get_sample_value("yidiantong_drift_psi", {"feature": feature})


def test_planted_drift_is_found_and_a_steady_week_is_steady(store: Store) -> None:
    fill(store, "before", TODAY - timedelta(60), 200)
    fill(store, "steady", TODAY - timedelta(8), 200)
    fill(store, "moved", TODAY - timedelta(1), 200, (*CODES, *["unpaid_wages"] * 4), text="楼上漏水" * 30)
    compared = reference(store, RELEASE, "2026-09-27/2026-09-28")
    assert compared.calls == 200
    empty, steady, moved = by_week(store, RELEASE, compared, 3)
    assert (empty.counted.profile.calls, {one.level for one in empty.shifts}) == (0, {"too_few"})
    assert {one.level for one in steady.shifts} == {"steady"}
    assert {one.feature for one in moved.shifts if one.level == "alarm"} == {"category", "length", "police"}
    told = moved.to_json()
    assert (told["since"], told["to"], told["complete"], told["versions"]) == (
        "2026-11-23",
        "2026-11-29",
        False,
        {"m1": 200},
    )
    assert ("category", "unpaid_wages", 0.0, 0.5) in [
        (move["feature"], move["value"], round(move["before"], 1), round(move["now"], 1)) for move in told["moves"]
    ]
    assert json.loads(json.dumps(told)) == told


def test_a_window_is_bounded_and_of_one_city(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, "a", TODAY, 30)
    fill(store, "b", TODAY, 20, city="ningbo")
    tokenizer, day = tokenizer_of(RELEASE), Span(TODAY.date(), TODAY.date() + timedelta(1))
    with store.reading() as session:
        assert counted(session, day, tokenizer).profile.calls == 50
        assert counted(session, day, tokenizer, "ningbo").profile.calls == 20
        monkeypatch.setattr(drift, "MOST", 10)
        assert counted(session, day, tokenizer).profile.calls == 10


def test_calls_whose_words_are_gone_count_for_what_was_suggested(store: Store) -> None:
    fill(store, "a", TODAY, 60)
    purge(store, TODAY + timedelta(1))
    with store.reading() as session:
        day = Span(TODAY.date(), TODAY.date() + timedelta(1))
        found = counted(session, day, tokenizer_of(RELEASE)).profile
    assert (found.counts["category"].total(), found.counts["length"].total(), found.mean("length")) == (60, 0, None)


def test_the_gauges_follow_and_say_nothing_where_nothing_is_known(store: Store, tmp_path: Path) -> None:
    fill(store, "a", TODAY - timedelta(1), 160)
    fill(store, "old", TODAY - timedelta(30), 160)
    settings = Settings(state_dir=tmp_path, drift_reference="2026-10-01/2026-10-31")
    Watch(settings, store).look()
    assert psi("category") == 0
    assert REGISTRY.get_sample_value("yidiantong_drift_calls", {"feature": "category"}) == 160
    Watch(Settings(state_dir=tmp_path), store).look()  # beside the corpus: two values of 65
    assert (psi("urgency") or 0) > 0.25
    purge(store, TODAY + timedelta(1))
    Watch(settings, store).look()
    assert math.isnan(psi("length") or 0)
    Watch(settings.model_copy(update={"release": tmp_path / "none"}), store).look()
    assert psi("category") is None


def test_weeks_begin_on_monday() -> None:
    assert [str(span.since) for span in weeks(2, TODAY.date())] == ["2026-11-16", "2026-11-23"]
    assert weeks(0, TODAY.date()) == []


@pytest.mark.parametrize(
    "text", ["2026-09-01", "2026-09-30/2026-09-01", "2026-13-01/2026-13-02", "a/b", "0001-01-01/9999-12-31"]
)
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no period|ends before"):
        window(text)
    with pytest.raises(ValueError, match="drift_reference"):
        Settings(drift_reference=text)


def test_without_a_reference_one_is_asked_for(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no reference for the release r9"):
        reference(store, Release(tmp_path, "r9", 320), "")
    assert reference(store, RELEASE, "2020-01-01/2020-01-31") == Profile()


def test_the_command(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, "a", TODAY - timedelta(1), 160)
    monkeypatch.setenv(
        "YIDIANTONG_DATABASE_URL", store.url.render_as_string(hide_password=False).replace("+psycopg", "")
    )
    monkeypatch.setenv("YIDIANTONG_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "400")
    shown = CliRunner().invoke(app, ["--weeks", "2"]).stdout
    assert f"{open_release(BUNDLED, ()).version} 的留出来电" in shown
    assert "样本不足" in shown
    assert "报警" in shown
    told = json.loads(CliRunner().invoke(app, ["--json", "--reference", "2026-11-01/2026-11-30"]).stdout)
    assert (told["reference"], told["calls"], len(told["weeks"])) == ("2026-11-01/2026-11-30", 160, 8)
    assert told["weeks"][-1]["features"]["category"] == {
        "calls": 160,
        "psi": 0.0,
        "jensen_shannon": 0.0,
        "level": "steady",
    }
    assert CliRunner().invoke(app, ["--weeks", "0"]).exit_code == 2
    refused = CliRunner().invoke(app, ["--reference", "yesterday"])
    assert (refused.exit_code, "is no period" in refused.stderr) == (2, True)
