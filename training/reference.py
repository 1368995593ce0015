"""What a release makes of the calls held back from its training: the reference that drift is measured against.

Not of those it has learnt: of these it is surer than it will ever be of a new call.
"""

from collections.abc import Iterable
from pathlib import Path

from data.corpus import Item
from data.records import Call
from data.redaction import redact_turns
from model.blend import Blend
from model.drift import Profile, tokenizer_of, write_reference
from model.release import open_release
from model.suggest import Suggester


def measured(release: Path, items: Iterable[Item]) -> Profile:
    """The profile of these items, their words redacted as those of stored calls are.

    Raises:
        ReleaseError: the release does not load.
    """
    suggester, tokenizer = Suggester(model=Blend(release)), tokenizer_of(open_release(release, ()))
    profile = Profile()
    for item in items:
        turns = item.as_turns()
        s = suggester.suggest(Call(turns=turns))
        category = s.category
        profile.output(category.code, s.urgency.level, s.police.label, s.confident, category.probability)
        profile.input(redact_turns(turns), tokenizer)
    return profile


def write_measured(release: Path, items: Iterable[Item], path: Path) -> Profile:
    """Measures and writes the reference to `path`.

    Raises:
        ReleaseError: the release does not load.
        OSError: `path` cannot be written.
    """
    profile = measured(release, items)
    write_reference(path, open_release(release, ()).version, profile)
    return profile
