"""From which probability on danger should be suspected: dangers missed against calls raised for nothing.

    python -m tests.bench.suspicion [RELEASE]

Measured on the calls that calibrate, never on a set that judges. Missed: nobody leaves at once; raised: labelled routine, and
suggested as urgent or an emergency. The cost is by `data/costs.csv`. What training chooses (`training.calibrate.suspicion_bar`)
rests on the validation split as well, and leaves the flags out.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from data.corpus import CALIBRATION_DIR, load_corpus
from data.taxonomy import Urgency
from model.blend import Blend
from model.reading import Reading
from model.release import BUNDLED
from model.risk import load_costs
from training.calibrate import SUSPICIONS
from training.evaluate import Case, run, under_called


class Remembering(Blend):
    """Reads each text once, though every threshold asks for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._known: dict[str, Reading] = {}

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """One reading a text."""
        new = [text for text in texts if text not in self._known]
        if new:
            self._known.update(zip(new, super().read(new), strict=True))
        return [self._known[text] for text in texts]


def main() -> None:
    """Prints a line for every threshold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path, nargs="?", default=BUNDLED)
    model = Remembering(parser.parse_args().release)
    cases = [Case.of(item) for item in load_corpus(CALIBRATION_DIR)]
    costs = load_costs()
    labelled = Counter(case.urgency for case in cases)
    routine = sum(count for urgency, count in labelled.items() if urgency.rank > Urgency.URGENT.rank)
    print(f"{model.version}, in force {model.bars.suspected_at:g}")
    print(f"| suspected from | emergencies missed, of {labelled[Urgency.EMERGENCY]} | confidently | urgent calls missed, of "
          f"{labelled[Urgency.URGENT]} | raised, of {routine} | cost |\n" + "| --- " * 6 + "|")  # fmt: skip
    for suspected in SUSPICIONS:
        model.bars = replace(model.bars, suspected_at=suspected)
        suggestions = run(model, cases).suggestions
        pairs = list(zip(cases, suggestions, strict=True))
        missed = [(case, s) for case, s in pairs if case.urgency.rank <= Urgency.URGENT.rank
                  and under_called(s.destination.code, s.urgency.level)]  # fmt: skip
        emergencies = [s for case, s in missed if case.urgency is Urgency.EMERGENCY]
        urgent = len(missed) - len(emergencies)
        raised = sum(case.urgency.rank > Urgency.URGENT.rank >= s.urgency.level.rank for case, s in pairs)
        cost = (costs["missed_emergency"] * len(emergencies) + costs["missed_urgent"] * urgent
                + costs["needless_dispatch"] * raised)  # fmt: skip
        print(f"| {suspected} | {len(emergencies)} | {sum(s.confident for s in emergencies)} | {urgent} | {raised} | {cost:g} |",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
