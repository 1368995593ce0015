"""The hand-over note that goes out with a live suggestion."""

from model.suggest import Suggester
from serving.live_calls import LiveCall
from serving.live_messages import TurnMessage, notes
from tests.conftest import said

SECONDS = 1_795_651_200.0  # 2026-11-26 00:00 UTC


def test_one_note_for_each_answer_where_the_caller_is_asked(suggester: Suggester) -> None:
    call = said("我住西湖区古荡街道，楼上漏水，找他不开门，物业也不管，想有人来看看")
    found = notes(call, suggester.advise(call), SECONDS)
    assert "11月26日 08:00来电" in found.not_asked
    assert "征询后转古荡街道社会治理中心" in found.not_asked
    assert found.given is not None
    assert "已征得来电人同意" in found.given
    assert found.refused is not None
    assert "不同意转出" in found.refused


def test_one_note_where_nothing_is_asked(suggester: Suggester) -> None:
    call = said("快来人，有人拿着刀在砍人，流了好多血")
    found = notes(call, suggester.advise(call), SECONDS)
    assert "拿着刀" in found.not_asked
    assert (found.given, found.refused) == (None, None)


def test_words_taken_back_while_they_are_read_break_nothing() -> None:
    call = LiveCall("taken-back", "hangzhou", "owner")
    call.take(TurnMessage(speaker="caller", text="有人偷车", partial=True))
    before = call.snapshot()[1]
    call.take(TurnMessage(speaker="caller", text="", partial=True))
    revision, after = call.snapshot()
    assert (revision, after) == (2, before)
    call.take(TurnMessage(speaker="caller", text="着火了"))
    assert call.snapshot()[1].turns[0].text == "着火了"
