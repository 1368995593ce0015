"""Files that a command replaces as root still belong to the service."""

import os
from pathlib import Path


def put(fresh: Path, place: Path) -> None:
    """Has `fresh` take the place of `place` and belong to its owner, or to the folder's where there is none yet.

    Only root can give a file away, and only root would otherwise leave one that the service's own user cannot read.
    """
    if os.geteuid() == 0:
        owner = (place if place.exists() else place.parent).stat()
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(place)
