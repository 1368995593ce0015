"""Calls to try the pages with: samples and held-out corpus calls, answered by the real model, decided, handled, and
partly reviewed as people might. The same calls whenever it is asked, so that they are stored only once."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from data.corpus import load_corpus, split_groups
from data.records import Call, Turn
from data.taxonomy import Urgency, categories
from model.suggest import Suggester
from serving.decisions import DecisionBody, OutcomeBody, decide, report
from serving.known import known_rule, learn
from serving.pages import samples
from serving.store import state
from serving.store.calls import CallRecord
from serving.store.entries import AnyEntry, By, Decided, Happened, Reviewed, Suggested
from serving.store.private import keepable_turns, redact_suggestion
from serving.store.store import Store

DAYS = 21
AT_ONCE = 200  # entries in one transaction
RISING, RISEN_DAYS, RISING_SHARE = "unpaid_wages", 6, 0.3  # the category of the drift queue
FOLLOWS, ERRS, RETURNED, REVIEWED, REVIEW_ERRS, UNDECIDED = 0.35, 0.04, 0.1, 0.12, 0.12, 0.05
LINES: tuple[Literal["110", "12345"], ...] = ("110", "110", "12345")
OWNERS = ("department", "grassroots_platform", "hotline_12345", "police_station")
RETURN_REASONS = ("不属本单位职责", "属地不对", "应由主管部门处理", "现场已无需处置")
Truth = tuple[str, Urgency] | None


class Demo:
    """`count` calls of `city` up to `end`."""

    def __init__(self, suggester: Suggester, city: str, end: datetime, count: int) -> None:
        self._suggester, self._city, self._end, self._count = suggester, city, end, count
        learn(suggester.model.taxonomy)
        self._random = random.Random(110)
        self._operators = [self._person("operator", n) for n in range(4)]
        self._reviewers = [self._person("reviewer", n) for n in range(2)]

    def _destination(self, category: str, urgency: Urgency) -> str:
        rule = known_rule(self._city, category)
        assert rule is not None, "the suggester has a policy for the city, and both categories are known"
        return rule.destination(urgency)

    def _person(self, role: str, number: int) -> By:
        name = {"operator": "演示坐席", "reviewer": "演示复核员"}[role]
        return By(id=f"demo-{role}-{number}", role=role, name=f"{name}{number + 1}", city=self._city)

    def entries(self) -> Iterator[list[AnyEntry]]:
        """All that happened to one call after the other."""
        told = [(tuple(sample.turns), None) for sample in samples()]
        items = load_corpus()
        splits = split_groups(items)
        held_out = [item for item in items if splits[item.group] != "train"]
        rising = [item for item in held_out if item.category == RISING]
        for number in range(self._count):
            days = self._random.uniform(0, DAYS)
            recent = days < RISEN_DAYS and rising and self._random.random() < RISING_SHARE
            item = self._random.choice(rising if recent else held_out)
            story: tuple[Sequence[Turn], Truth] = (item.as_turns(), (item.category, item.urgency))
            turns, truth = told[number] if number < len(told) else story
            yield self._call(f"demo-{number:05}", turns, truth, self._end - timedelta(days=days))

    def fill(self, store: Store) -> None:
        """Stores them.

        Raises:
            StoreAway: the database does not answer.
        """
        waiting: list[AnyEntry] = []
        for entries in self.entries():
            waiting += entries
            if len(waiting) >= AT_ONCE:
                store.apply(waiting)
                waiting = []
        store.apply(waiting)

    def _call(self, call_id: str, turns: Sequence[Turn], truth: Truth, at: datetime) -> list[AnyEntry]:
        shown = self._suggested(call_id, turns, at)
        record = CallRecord(state.opened(shown), None, [state.suggestion_row(shown)])
        if self._random.random() < UNDECIDED:
            return [shown]
        decision = self._decided(record, shown, truth, at + timedelta(minutes=self._random.uniform(1, 5)))
        record.decision = state.decided(record.row, decision)
        return [shown, decision, *self._handled(record, decision), *self._reviewed(record, truth, decision.at)]

    def _suggested(self, call_id: str, turns: Sequence[Turn], at: datetime) -> Suggested:
        call = Call(call_id=call_id, city=self._city, channel=self._random.choice(LINES), turns=tuple(turns))
        suggestion = self._suggester.suggest(call).model_copy(update={"suggestion_id": f"{call_id}-s"})
        kept = keepable_turns(call.transcript)
        return Suggested(by=self._random.choice(self._operators), at=at, call_id=call_id, city=self._city,
                         channel=call.channel, turns=kept, suggestion=redact_suggestion(suggestion, kept))  # fmt: skip

    def _decided(self, record: CallRecord, shown: Suggested, truth: Truth, at: datetime) -> Decided:
        s: dict[str, Any] = shown.suggestion
        category, urgency = s["category"]["code"], Urgency(s["urgency"]["level"])
        if truth and self._random.random() > FOLLOWS:
            category, urgency = truth
        if self._random.random() < ERRS:
            urgency = Urgency.ROUTINE_ONSITE
        same = (category, urgency.value) == (s["category"]["code"], s["urgency"]["level"])
        danger = Urgency.EMERGENCY in (urgency, Urgency(s["urgency"]["level"]))
        consent = (
            "not_asked"
            if danger or not s["consent"]["required"]
            else self._random.choice(("given",) * 9 + ("refused",))
        )
        body = DecisionBody(
            suggestion_id=s["suggestion_id"], category=category, urgency=urgency, consent=consent,  # type: ignore[arg-type]
            destination=s["destination"]["code"] if same else self._destination(category, urgency),
            reason="" if same else "现场核实后判断",
        )  # fmt: skip
        entry = decide(record, body, shown.by)
        assert entry is not None  # nothing was decided before
        due = entry.due_at - entry.at + at if entry.due_at else None
        return entry.model_copy(update={"id": f"{shown.call_id}-d", "at": at, "due_at": due})

    def _handled(self, record: CallRecord, decision: Decided) -> Iterator[Happened]:
        unit = By(id="demo-unit", role="operator", name="演示处置单位", city=self._city)
        at = decision.at
        other = self._random.choice([code for code in OWNERS if code != decision.destination])
        returned = OutcomeBody(status="returned", owner=other, reason=self._random.choice(RETURN_REASONS))
        steps = [OutcomeBody(status="accepted"), OutcomeBody(status="resolved", note="已处置并回访")]
        if self._random.random() < RETURNED:
            steps = [returned]
        for number, body in enumerate(steps[: self._random.choice((0, 1, 2, 2, 2))] if len(steps) > 1 else steps):
            at += timedelta(minutes=self._random.uniform(5, 240))
            if at > self._end or not (entry := report(record, body, unit)):
                return
            due = entry.due_at - entry.at + at if entry.due_at else None
            entry = entry.model_copy(update={"id": f"{decision.call_id}-o{number}", "at": at, "due_at": due})
            record.outcomes.append(state.happened(record.row, entry))
            yield entry

    def _reviewed(self, record: CallRecord, truth: Truth, at: datetime) -> Iterator[Reviewed]:
        if self._random.random() > REVIEWED or at + timedelta(hours=1) > self._end:
            return
        row = record.row
        category = truth[0] if truth else row.category
        if self._random.random() < REVIEW_ERRS:
            category = self._random.choice(list(categories()))
        right = category == row.final_category
        yield Reviewed(
            by=self._random.choice(self._reviewers), id=f"{row.id}-r", batch=f"{row.id}-r", call_id=row.id,
            at=at + timedelta(hours=1), queue="random_audit", verdict="approve" if right else "correct",
            category=category, urgency=row.final_urgency, destination=row.final_destination,
            reason="" if right else "按标注规范应归此类",
        )  # fmt: skip
