"""What glibc keeps of the memory that nobody uses any more."""

import contextlib
import ctypes

M_ARENA_MAX, HEAPS = -8, 2  # of glibc's malloc.h, and as many heaps as two threads that infer need
GIVEN_BACK_FOR = 60.0  # seconds


def share_heaps() -> None:
    """Has all threads allocate from `HEAPS` heaps; to be called before there are threads.

    glibc gives each thread a heap of its own, and each keeps what is free in it: memory grows for half an hour without
    anything being held. Where malloc is another nothing changes.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def give_back() -> None:
    """Gives free pages in the midst of the heaps back to the system, where malloc is glibc's."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
