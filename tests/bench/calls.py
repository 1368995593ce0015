"""Calls of any length."""

from data.corpus import load_corpus
from training.material import parted

CALL = (
    "喂你好，我住西湖区古荡街道这边，楼上卫生间漏水漏到我家吊顶上了，电灯都不敢开，我找了他三趟他都不开门，"
    "物业来看过一次说要他家同意才能修，后来就不管了，想请你们派个人过来帮忙协调一下，我下午都在家里的"
)


def text(length: int) -> str:
    """A call of that many characters."""
    return (CALL * 5)[:length]


def texts(length: int, count: int) -> list[str]:
    """Different calls of that many characters each, cut out of what the corpus' test split says."""
    said = "".join(turn.text for item in parted(load_corpus())["test"] for turn in item.as_turns())
    if len(said) < length * count:
        raise ValueError(f"the test split has {len(said)} characters, not {length * count}")
    return [said[start : start + length] for start in range(0, length * count, length)]
