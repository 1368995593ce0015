"""After a mixed run no word of a call, no personal data and no key stands in the log, the metrics or the state folder."""

import contextlib
import json
import subprocess
from pathlib import Path

import httpx
from websockets.sync.client import connect

from serving.keys import KeyRing, Role
from tests.serving.test_serve import first_keys, served

WORDS = ("紫藤萝门口", "13800138000", "欧阳翠花", "浙A8K3Q9", "备注里的秘密", "退回的秘密")
TEXT = f"我叫{WORDS[2]}，{WORDS[0]}有人拿刀，电话{WORDS[1]}，车牌{WORDS[3]}"
PERSONAL = (*WORDS[1:4],)


def mixed(address: str, operator: str, admin: str) -> None:
    """Good and bad requests by every door, with the words where words can be."""
    with httpx.Client(base_url=address, timeout=60, headers={"Authorization": f"Bearer {operator}"}) as client:
        shown = client.post("/v1/classify", json={"text": TEXT, "call_id": "s-1"}).json()
        body = {"suggestion_id": shown["suggestion_id"], "destination": "hotline_12345", "consent": "not_asked"}
        client.post("/v1/calls/s-1/decision", json=body | {"note": WORDS[4], "reason": WORDS[4]})
        client.post("/v1/calls/s-1/outcome", json={"status": "returned", "owner": "department", "reason": WORDS[5]})
        client.post("/v1/classify/batch", json={"calls": [{"text": TEXT}, {"text": TEXT, "city": WORDS[0]}]})
        for wrong in (
            {"text": TEXT, WORDS[0]: 1},
            {"turns": [{"speaker": WORDS[0], "text": TEXT}]},
            {"text": TEXT, "city": TEXT[:60]},
        ):
            client.post("/v1/classify", json=wrong)
        client.post("/v1/classify", content=TEXT.encode())
        client.get(f"/v1/calls/{WORDS[1]}", params={"q": TEXT})
        client.get(f"/{TEXT}", headers={"Authorization": f"Bearer {operator}x"})
        client.get("/v1/audit", headers={"Authorization": f"Bearer {admin}"})
        client.post("/v1/sessions", json={"key": f"{operator}y"}, headers={"Sec-Fetch-Site": "same-origin"})
        session = client.post("/v1/sessions", json={"key": operator}, headers={"Sec-Fetch-Site": "same-origin"})
        client.get("/v1/sessions/me", headers={"Authorization": "", "Cookie": session.headers["set-cookie"]})
    url = address.replace("http", "ws") + "/v1/calls/s-2/live"
    with connect(url, additional_headers={"Authorization": f"Bearer {operator}"}) as live:
        for message in ({"speaker": "caller", "text": TEXT}, {"speaker": "caller", "txt": TEXT}, {"type": "end"}):
            live.send(json.dumps(message))
        with contextlib.suppress(Exception):
            while True:
                live.recv(timeout=20)


def test_nothing_of_a_call_or_a_key_leaks(tmp_path: Path) -> None:
    with served(tmp_path, YIDIANTONG_LOG_LEVEL="debug") as (address, process):
        keys = first_keys(tmp_path)
        extra = KeyRing(tmp_path / "keys.json").create(Role.OPERATOR)[1]
        (tmp_path / "first-keys.txt").unlink()  # as its first line asks for
        mixed(address, extra, keys["admin"])
        ring = (tmp_path / "keys.json").read_bytes()
        (tmp_path / "keys.json").write_text(f"broken {TEXT}")
        assert httpx.get(f"{address}/v1/taxonomy", headers={"Authorization": f"Bearer {extra}"}).status_code == 500
        (tmp_path / "keys.json").write_bytes(ring)
        metrics = httpx.get(f"{address}/metrics", timeout=60).text
        process.terminate()
        log = process.communicate(timeout=60)[0].partition("open http")[2].partition("\n")[2]
    assert log.strip(), "the run is logged"
    for secret in (*WORDS, *keys.values(), extra, "ydt_"):
        assert secret not in log
        assert secret not in metrics
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        for secret in (*PERSONAL, *keys.values(), extra):
            assert secret.encode() not in content, (path, secret)


def test_a_command_line_shows_no_key_but_the_new_one(tmp_path: Path) -> None:
    import os
    import sys

    program = str(Path(sys.executable).parent / "yidiantong")
    secret = KeyRing(tmp_path / "keys.json").create(Role.ADMIN)[1]
    done = subprocess.run([program, "keys", "list"], capture_output=True, text=True, check=True,
                          env=os.environ | {"YIDIANTONG_STATE_DIR": str(tmp_path)})  # fmt: skip
    assert secret not in done.stdout + done.stderr
    assert "ydt_" not in done.stdout
