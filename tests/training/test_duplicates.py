"""Near-duplicates are found, and the corpus has none."""

from data.corpus import CALIBRATION_DIR, Item, load_corpus
from training.duplicates import near_duplicates, shingles

SAID = "我在西湖区古荡街道，楼上卫生间漏水漏到我家吊顶上了，物业不管，想有人来看看"


def item(number: int, text: str, group: str = "") -> Item:
    return Item.model_validate({"id": f"x-{number}", "group": group or f"x-{number}", "text": text,
                                "category": "neighbour_dispute", "urgency": "routine_onsite", "style": "note"})  # fmt: skip


def test_a_copy_with_another_word_is_found_and_its_own_group_is_not() -> None:
    items = [item(1, SAID), item(2, SAID.replace("看看", "管管")), item(3, SAID, group="x-1"), item(4, "称电瓶车被偷")]
    found = {(a.id, b.id) for a, b, _ in near_duplicates(items)}
    assert found == {("x-1", "x-2"), ("x-2", "x-3")}


def test_punctuation_is_no_difference_and_short_texts_are_one_run() -> None:
    assert shingles("喂，你好！") == shingles("喂你好")
    assert shingles("喂") == {"喂"}
    assert shingles("……") == {""}


def test_the_corpus_has_none_and_none_of_its_calls_calibrates() -> None:
    apart = load_corpus(CALIBRATION_DIR)
    ids = {item.id for item in apart}
    found = list(near_duplicates([*load_corpus(), *apart], 0.5))
    assert [(a.id, b.id) for a, b, overlap in found if overlap >= 0.8] == []
    # At one half exactly stand two questions of nine letters: how to get a receipt, and how to get another.
    assert [(a.id, b.id) for a, b, overlap in found if overlap > 0.5 and {a.id, b.id} & ids] == []
