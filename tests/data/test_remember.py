"""What is remembered is what would have been found, and long texts are not kept."""

from data.remember import LONGEST, MOST, remembered


def test_a_text_is_worked_on_once_and_a_long_one_whenever_it_comes() -> None:
    asked: list[str] = []

    @remembered
    def size(text: str, times: int = 1) -> int:
        asked.append(text)
        return len(text) * times

    assert [size("喂"), size("喂"), size("喂", 2), size("喂", times=2)] == [1, 1, 2, 2]
    assert asked == ["喂"] * 3  # by position and by name are two questions
    long = "喂" * (LONGEST + 1)
    assert size(long) == size(long) == LONGEST + 1
    assert asked[3:] == [long, long]


def test_the_oldest_make_room() -> None:
    asked: list[str] = []

    @remembered
    def seen(text: str) -> str:
        asked.append(text)
        return text

    for number in range(MOST + 1):
        seen(str(number))
    seen("0")
    assert asked[-1] == "0"
    assert len(asked) == MOST + 2
