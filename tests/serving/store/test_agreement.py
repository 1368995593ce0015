"""Cohen's κ against figures worked out by hand."""

from serving.store.queues import Agreement
from serving.store.store import Store
from tests.serving.store.made import BORIS, CLARA, reviewed, suggested


def test_kappa(store: Store) -> None:
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, by chance 0.5 (Wikipedia's example), κ = 0.4
    pairs = [("noise", "noise")] * 20 + [("noise", "theft")] * 5 + [("theft", "noise")] * 10 + [("theft", "theft")] * 15
    for number, labels in enumerate(pairs):
        said = [reviewed(f"c{number}", by=by, wanted=2, category=label)
                for by, label in zip((BORIS, CLARA), labels, strict=True)]  # fmt: skip
        store.apply([suggested(f"c{number}"), *said])
    with store.reading() as session:
        found = Agreement(session, [])
    assert len(found.pairs) == 50
    equal, kappa = found.of("category")
    assert equal == 0.7
    assert kappa is not None
    assert abs(kappa - 0.4) < 1e-9
    assert found.of("urgency") == (1.0, None)
