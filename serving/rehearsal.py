"""One sample call before the first caller: what is read on first use is read soon after the start."""

import time

import structlog

from data.records import Call
from serving.engine import Engine
from serving.live_messages import live_suggestion, notes
from serving.pages import samples
from serving.related import Related
from serving.store.private import keepable_turns, redact_suggestion


def rehearse(engine: Engine, related: Related) -> None:
    """Takes one sample call the whole way, unseen, so that what is read on first use is read soon after the start."""
    call = Call(turns=tuple(samples()[0].turns))
    try:
        advice = engine.suggester.advise(call, None)
        related.find(call, live_suggestion(advice, 1, None, False))
        redact_suggestion(advice.suggestion, keepable_turns(call.transcript))
        notes(call, advice, time.time())
    except Exception as error:  # the first caller finds out, as he would have without this
        structlog.get_logger().warning("rehearsal_failed", kind=type(error).__name__)
