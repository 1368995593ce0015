"""What was made of a text is kept for a while: a live call is read with every turn, and most of it is as it was."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

LONGEST, MOST = 500, 4_096  # characters of a text that is kept, and texts: the turns of 200 calls
P = ParamSpec("P")
R = TypeVar("R")


def remembered(
    function: Callable[Concatenate[str, P], R], longest: int = LONGEST, most: int = MOST
) -> Callable[Concatenate[str, P], R]:
    """`function`, whose first argument is a text and whose answer nobody changes, with its latest answers kept.

    Of texts the `most` recent are kept, and none of more than `longest` characters, so that nobody fills the memory.
    """
    kept = lru_cache(most)(function)

    @wraps(function)
    def answer(text: str, /, *args: P.args, **others: P.kwargs) -> R:
        return (kept if len(text) <= longest else function)(text, *args, **others)  # type: ignore[arg-type]

    return answer
