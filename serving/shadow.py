"""The candidate answers silently beside the live release; what it would have said is counted and kept, never shown."""

import json
import queue
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from data.records import Call, Suggestion
from data.taxonomy import categories
from model.registry import RegistryError
from model.release import ReleaseError
from model.suggest import Suggester
from serving import metrics
from serving.releases import Releases
from serving.settings import Settings
from serving.store.entries import By, Doubted

WAITING = 64
HEAD_NAMES = {"police": "警务/非警务", "category": "类别", "urgency": "紧急程度", "destination": "去向"}
HEADS = tuple(HEAD_NAMES)
log = structlog.get_logger()


BY = By(id="shadow", role="admin", name="候选模型")


def _nobody(_: Doubted) -> None:
    """Nobody is told."""


class Shadow:
    """Asks the registry's candidate about a share of the calls, after the caller's answer and on a thread of its own.

    What both said goes to `shadow/<candidate>.jsonl` in the state folder: ids and labels, no word of the call;
    `differs` is told of each call on which they differ. When the candidate cannot keep up, calls are left out and
    counted.
    """

    def __init__(self, settings: Settings, releases: Releases) -> None:
        self._settings, self._releases = settings, releases
        self._waiting: queue.Queue[tuple[Call, Suggestion] | None] = queue.Queue(WAITING)
        self.differs: Callable[[Doubted], None] = _nobody
        self._candidate: Suggester | None = None
        self._tried = ""
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)

    def start(self) -> None:
        """Begins, if any share of the calls is asked for."""
        if self._settings.shadow_share > 0:
            self._thread.start()

    def stop(self) -> None:
        """Ends; calls that still wait are left out."""
        if self._thread.is_alive():
            while not self._waiting.empty():
                self._waiting.get_nowait()
            self._waiting.put(None)
            self._thread.join(10)

    def take(self, call: Call, shown: Suggestion) -> None:
        """Has the candidate asked about this call, by chance and if it can keep up. Returns at once."""
        if not self._thread.is_alive() or random.random() >= self._settings.shadow_share:
            return
        try:
            self._waiting.put_nowait((call, shown))
        except queue.Full:
            metrics.shadow_left_out.inc()

    def _work(self) -> None:
        while entry := self._waiting.get():
            try:
                self._answer(*entry)
            except Exception as error:  # whatever breaks here must not touch the calls
                log.warning("shadow_failed", why=type(error).__name__)

    def _answer(self, call: Call, shown: Suggestion) -> None:
        candidate = self._loaded()
        if candidate is None:
            return
        said = candidate.suggest(call)
        metrics.shadow_answers.labels(str(labels(shown) == labels(said)).lower()).inc()
        row = {"call_id": shown.call_id, "suggestion_id": shown.suggestion_id, "version": shown.model_version,
               "live": labels(shown), "candidate": labels(said)}  # fmt: skip
        folder = self._settings.state_dir / "shadow"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{self._tried}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if labels(shown) != labels(said):
            told: dict[str, Any] = {head: label for head, label in labels(said).items() if head != "police"}
            self.differs(Doubted(by=BY, call_id=shown.call_id, source="shadow", version=self._tried, **told))

    def _loaded(self) -> Suggester | None:
        """The registry's candidate, loaded once; None without one, or when it does not load."""
        registry = self._releases.registry
        try:
            version = registry.aliases().get("candidate", "")
            if version != self._tried:
                self._tried, self._candidate = version, None
                if version:
                    found = Suggester(registry.path(version), 1, self._settings.city)
                    if found.problems:
                        raise ReleaseError(found.problems[0])
                    self._candidate = found
        except (RegistryError, ReleaseError) as error:
            log.warning("shadow_refused", why=str(error))
        return self._candidate


def labels(suggestion: Suggestion) -> dict[str, str]:
    """What a suggestion says, head by head."""
    return {
        "police": suggestion.police.label.value,
        "category": suggestion.category.code,
        "urgency": suggestion.urgency.level.value,
        "destination": suggestion.destination.code,
    }


def answers(state_dir: Path, candidate: str) -> Iterator[Mapping[str, Any]]:
    """The rows kept for a candidate; a line that a crash cut short is left out."""
    try:
        with (state_dir / "shadow" / f"{candidate}.jsonl").open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue
    except FileNotFoundError:
        return


def as_markdown(candidate: str, told: Mapping[str, Any]) -> str:
    """The summary as a report in Markdown."""

    def named(code: str) -> str:
        found = categories().get(code)
        return f"{found.name} `{code}`" if found else f"`{code}`"

    heads = [f"| {HEAD_NAMES[head]} | {share:.1%} |" for head, share in told["agreement"].items()]
    changes = [" | ".join(("", *map(named, change.split(" → ")), f"{count} |")).lstrip()
               for change, count in told["changes"]]  # fmt: skip
    calls, apart = told["calls"], told["apart"]
    return "\n".join((
        f"# 候选 {candidate} 的影子运行", "",
        f"两个模型都回答了 {calls} 件来电，其中 {len(apart)} 件有一处或多处不同（在复核页“候选有异议”队列里）。", "",
        "| | 一致 |", "| --- | --- |", *heads, "",
        "## 类别的改变", "", "| 在用 | 候选 | 件 |", "| --- | --- | --- |", *changes, "",
        "## 不同的来电", "", *(f"- `{call_id}`" for call_id in apart), "",
    ))  # fmt: skip


def summary(rows: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    """Calls that both answered, the share on which they agree by head, and the commonest changes of category."""
    calls, agreed, changes = 0, Counter[str](), Counter[str]()
    apart: list[str] = []
    for row in rows:
        calls += 1
        live, candidate = row["live"], row["candidate"]
        agreed.update(head for head in HEADS if live[head] == candidate[head])
        if live["category"] != candidate["category"]:
            changes[f"{live['category']} → {candidate['category']}"] += 1
        if any(live[head] != candidate[head] for head in HEADS):
            apart.append(row["call_id"])
    return {
        "calls": calls,
        "agreement": {head: round(agreed[head] / calls, 4) for head in HEADS} if calls else {},
        "changes": changes.most_common(20),
        "apart": apart,
    }
