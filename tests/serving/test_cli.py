"""Every command as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from serving.store.private import Hasher
from serving.store.schema import AuditRow
from serving.store.store import Store
from tests.serving.store.made import reviewed, suggested
from tests.texts import ANSWERED, REFUSED

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "serve",
    "classify",
    "predict",
    "keys",
    "migrate",
    "purge",
    "calls",
    "export-reviews",
    "dataset",
    "train",
    "evaluate",
)


def yidiantong(*arguments: str, state: Path | None = None, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"YIDIANTONG_STATE_DIR": str(state or "/nonexistent"), "COLUMNS": "200"}
    command = [str(Path(sys.executable).parent / "yidiantong"), *arguments]
    return subprocess.run(command, capture_output=True, input=stdin, env=environment, timeout=120, check=False)


def test_help_names_every_command() -> None:
    shown = yidiantong("--help").stdout.decode()
    assert all(command in shown for command in COMMANDS)
    for command in COMMANDS:
        assert yidiantong(command, "--help").returncode == 0


def test_classify_for_people_and_as_json() -> None:
    shown = yidiantong("classify", "我在西湖区古荡，楼上漏水，物业不管，想有人来看看").stdout.decode()
    assert "古荡街道社会治理中心" in shown
    found = json.loads(yidiantong("classify", "--json", "-", stdin="称电瓶车被偷".encode()).stdout)
    assert found["category"]["code"] == "theft"


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (("classify", "-"), b"\xff\xfe", "not UTF-8"),
        (("classify", "喂", "--city", "atlantis"), b"", "unknown city 'atlantis'"),
        (("predict", "--input", "/nonexistent", "--output", "/tmp/x"), b"", "No such file"),
        (("predict", "--input", "/etc/hostname", "--output", "/nonexistent/x"), b"", "No such file"),
        (("predict", "--input", "/etc/hostname", "--output", "/tmp/x", "--city", "atlantis"), b"", "unknown city"),
        (("keys", "create", "king"), b"", "king"),
        (("keys", "revoke", "nobody"), b"", "no key nobody"),
        (("keys", "create", "operator", "--city", "atlantis"), b"", "unknown city 'atlantis'"),
        (("keys", "create", "operator", "--name", "长" * 65), b"", "at most 64"),
        (("calls", "delete", "--caller", "somebody"), b"", "is not a phone number"),
        (("calls", "export", "--caller", "13812345678 13900000000"), b"", "is not a phone number"),
        (("export-reviews", "--output", "/proc/nowhere"), b"", "No such file"),
        (("dataset", "--corpus", "/nonexistent", "--output", "/tmp/x"), b"", "holds no *.jsonl item"),
        (("train", "--config", "/nonexistent.toml"), b"", "cannot be read"),
        (("evaluate", "--data", "/nonexistent.jsonl"), b"", "cannot be read"),
        (("evaluate", "--release", "/nonexistent"), b"", "cannot be read"),
    ],
)
def test_wrong_input_ends_with_one_clear_line(
    arguments: tuple[str, ...], stdin: bytes, message: str, tmp_path: Path
) -> None:
    done = yidiantong(*arguments, stdin=stdin, state=tmp_path)
    assert done.returncode == 2
    error = done.stderr.decode()
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize("name", REFUSED)
def test_texts_that_are_no_call_are_refused(name: str) -> None:
    done = yidiantong("classify", "-", stdin=REFUSED[name].encode())
    assert done.returncode == 2
    assert b"error: text: " in done.stderr


@pytest.mark.parametrize("name", ANSWERED)
def test_odd_texts_are_answered(name: str) -> None:
    done = yidiantong("classify", "-", stdin=ANSWERED[name].encode())
    assert done.returncode == 0, done.stderr.decode()
    assert "去向" in done.stdout.decode()


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIDIANTONG_PORT", "many")
    done = yidiantong("classify", "喂，楼上漏水")
    assert done.returncode == 2
    assert "YIDIANTONG_PORT" in done.stderr.decode()


def test_keys(tmp_path: Path) -> None:
    key_id, role, secret = yidiantong("keys", "create", "reviewer", state=tmp_path).stdout.decode().split()
    listed = yidiantong("keys", "list", state=tmp_path).stdout.decode()
    assert listed.split()[:2] == [key_id, role]
    assert secret not in listed
    assert yidiantong("keys", "revoke", key_id, state=tmp_path).returncode == 0
    assert yidiantong("keys", "list", state=tmp_path).stdout.decode().split()[-1] != "-"
    (tmp_path / "keys.json").write_text("broken")
    assert yidiantong("keys", "list", state=tmp_path).returncode == 2


def test_predict(tmp_path: Path) -> None:
    calls, out = tmp_path / "calls.jsonl", tmp_path / "out.jsonl"
    calls.write_text('{"id": "1", "text": "称电瓶车被偷"}\noops\n', encoding="utf-8")
    done = yidiantong("predict", "--input", str(calls), "--output", str(out))
    assert done.returncode == 0
    assert "1 suggestions, 1 bad lines" in done.stdout.decode()
    assert len(out.read_text().splitlines()) == 2


def test_evaluate_on_labelled_calls(tmp_path: Path) -> None:
    rows = [
        ("称电瓶车被偷", "theft", "routine_onsite"),
        ("咨询身份证换领材料", "gov_consult", "routine_remote"),
        ("被打了快来", "fight", "emergency"),
    ]
    data = tmp_path / "calls.jsonl"
    data.write_text("".join(json.dumps({"id": str(n), "text": text, "category": category, "urgency": urgency}) + "\n"
                            for n, (text, category, urgency) in enumerate(rows)))  # fmt: skip
    done = yidiantong("evaluate", "--data", str(data), "--output", str(tmp_path / "report"))
    assert done.returncode == 0, done.stderr.decode()
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "report.json", "report.md", "confusion.png", "reliability.png", "slices.png"}  # fmt: skip
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["model"]["accuracy"]["category"]["value"] == 1
    data.write_text('{"id": "1", "text": "喂", "category": "murder", "urgency": "soon"}\n')
    done = yidiantong("evaluate", "--data", str(data), "--output", str(tmp_path / "report"))
    assert done.returncode == 2
    assert "line 1, field" in done.stderr.decode()


def test_stored_calls(tmp_path: Path) -> None:
    hasher = Hasher(tmp_path)
    store = Store(f"sqlite:///{tmp_path}/calls.db")
    assert yidiantong("migrate", state=tmp_path).returncode == 0
    store.apply([suggested("c1", numbers=(hasher.digest("13812345678"),)), suggested("c2"), suggested("c3"),
                 reviewed("c2"), reviewed("c3")])  # fmt: skip
    done = yidiantong("calls", "export", "--caller", "138 1234 5678", state=tmp_path)
    assert [json.loads(line)["call_id"] for line in done.stdout.splitlines()] == ["c1"]
    assert yidiantong("calls", "delete", "--caller", "13812345678", state=tmp_path).stdout == b"1 calls deleted\n"
    assert yidiantong("calls", "export", "--caller", "13812345678", state=tmp_path).stdout == b""
    with store.reading() as session:
        assert sorted(session.scalars(select(AuditRow.action))) == ["deleted", "exported"]
    corpus = tmp_path / "corpus"
    done = yidiantong("export-reviews", "--output", str(corpus), state=tmp_path)
    assert "2 reviewed calls" in done.stdout.decode()
    assert {path.name for path in corpus.iterdir()} == {"reviews.jsonl", "provenance.ndjson"}
    done = yidiantong("dataset", "--corpus", str(corpus), "--output", str(tmp_path / "dataset"))
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "dataset" / "dataset_dict.json").exists()
    assert yidiantong("purge", "--days", "1", state=tmp_path).stdout == b"2 calls purged\n"
    store.close()


def test_a_database_that_is_away_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIDIANTONG_DATABASE_URL", "postgresql://somebody:secret@127.0.0.1:1/none")
    done = yidiantong("purge", state=tmp_path)
    assert done.returncode == 2
    assert b"the database does not answer" in done.stderr
    assert b"secret" not in done.stderr
    monkeypatch.setenv("YIDIANTONG_DATABASE_URL", "mysql://x")
    assert b"YIDIANTONG_DATABASE_URL: Value error, begins with" in yidiantong("migrate", state=tmp_path).stderr
