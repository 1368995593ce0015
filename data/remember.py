"""What was made of a text is kept for a while: a live call is read with every turn, and most of it is as it was."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

LONGEST, MOST = 500, 4_096  # characters of a text that is kept, and texts: the turns of 200 calls
P = ParamSpec("P")
R = TypeVar("R")


def remembered(function: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
    """`function`, whose first argument is a text and whose answer nobody changes, with its latest answers kept.

    Long texts are not kept, so that nobody fills the memory with them.
    """
    kept = lru_cache(MOST)(function)

    @wraps(function)
    def answer(text: str, /, *args: P.args, **others: P.kwargs) -> R:
        return (kept if len(text) <= LONGEST else function)(text, *args, **others)  # type: ignore[arg-type]

    return answer
