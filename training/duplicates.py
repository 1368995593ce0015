"""Near-duplicates among calls, so that none stands on both sides of a split."""

from collections.abc import Iterator, Sequence

from datasketch import MinHash, MinHashLSH

from data.corpus import Item

SHINGLE = 3
HASHES = 64


def shingles(text: str) -> set[str]:
    """Runs of three letters or Han characters; shorter texts are one run."""
    letters = "".join(char for char in text if char.isalnum())
    return {letters[at : at + SHINGLE] for at in range(max(1, len(letters) - SHINGLE + 1))}


def near_duplicates(items: Sequence[Item], threshold: float = 0.8) -> Iterator[tuple[Item, Item, float]]:
    """Pairs of items from different groups whose shingles overlap by at least `threshold` (Jaccard), with the overlap.

    Candidates are found by MinHash (Broder 1997) and then counted, so what is given is exact and a pair at the
    threshold itself may be missed.
    """
    index = MinHashLSH(threshold=threshold * 0.9, num_perm=HASHES)
    sets = [shingles("".join(turn.text for turn in item.as_turns())) for item in items]
    for number, (item, found) in enumerate(zip(items, sets, strict=True)):
        sketch = MinHash(HASHES)
        sketch.update_batch([shingle.encode() for shingle in found])
        for other in index.query(sketch):
            if items[other].group != item.group:
                overlap = len(found & sets[other]) / len(found | sets[other])
                if overlap >= threshold:
                    yield items[other], item, overlap
        index.insert(number, sketch)
