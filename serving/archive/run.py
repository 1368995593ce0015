"""A run over an archive by Ray: every worker is a process with a model and one thread, and takes piece after piece."""

import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from data.policy import FOLLOWED
from model.registry import RegistryError
from model.suggest import Suggester
from serving.archive.output import Manifest, Output, rescore, whole
from serving.archive.pieces import Archive, ArchiveError, Piece
from serving.releases import live_folder
from serving.settings import Settings

ERROR_LINE = re.compile(r"^([\w.]+): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A run as it is told to the workers."""

    settings: Settings
    source: str
    target: str
    city: str


@dataclass(frozen=True)
class Done:
    """What a run did: `there` of the `pieces` were there already, `suggestions` and `errors` are of the rest."""

    pieces: int
    there: int
    suggestions: int
    errors: int


def suggester(settings: Settings) -> Suggester:
    """The release that is to serve, with one thread.

    Raises:
        ArchiveError: it does not load.
    """
    FOLLOWED.read_from(settings.policies)
    try:
        found = Suggester(live_folder(settings, settings.registry), 1, settings.city)
    except RegistryError as error:
        raise ArchiveError(f"the release cannot be read: {error}") from error
    whole(found)
    return found


class Worker:
    """One process of a run."""

    def __init__(self, job: Job, manifest: Manifest) -> None:
        self._job, self._suggester = job, suggester(job.settings)
        self._archive, self._output = Archive(job.source), Output(job.target)
        now = Manifest.of(self._archive, manifest.files, self._suggester, job.city)
        here = replace(now, piece_rows=manifest.piece_rows, piece_bytes=manifest.piece_bytes)
        if differs := manifest.difference(asdict(here)):
            raise ArchiveError(f"the machine {os.uname().nodename} differs from the one that began ({differs})")

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Writes the part of the piece in `row`; how many suggestions and errors it has."""
        piece = Piece(str(row["file"]), int(row["start"]), int(row["stop"]))
        totals = rescore(self._archive, piece, self._output, self._suggester, self._job.city)
        return {"suggestions": totals.suggestions, "errors": totals.errors}


def run(job: Job, workers: int | None, progress: Callable[[int, int], None] = lambda done, pieces: None) -> Done:
    """Writes what is missing of the output; None for `workers` is every core. `progress` is told pieces done, and all.

    The cluster is that of the environment's RAY_ADDRESS, or one of this machine for the time of the run.

    Raises:
        ArchiveError: archive, output or release cannot be used; what has been written stays, and the next run goes on.
    """
    archive, output = Archive(job.source), Output(job.target)
    if f"{output.shown.rstrip('/')}/".startswith(f"{archive.shown.rstrip('/')}/"):
        raise ArchiveError(f"{output.shown} lies in the archive itself: name another folder")
    files = archive.sizes()
    manifest = Manifest.of(archive, files, suggester(job.settings), job.city)
    there = output.begin(manifest)
    pieces = [piece for name, size in files.items() for piece in archive.pieces(name, size)]
    todo = [piece for piece in pieces if piece.part not in there]
    suggestions = errors = 0
    if todo:
        for done, totals in enumerate(_scored(job, manifest, todo, workers), len(pieces) - len(todo) + 1):
            suggestions, errors = suggestions + int(totals["suggestions"]), errors + int(totals["errors"])
            progress(done, len(pieces))
    output.end()
    return Done(len(pieces), len(pieces) - len(todo), suggestions, errors)


def _scored(job: Job, manifest: Manifest, todo: list[Piece], workers: int | None) -> Any:
    """What the workers say of each piece, in no order. A worker that dies is replaced, and its piece begun anew."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing of a police's machine goes to anybody
    try:
        import ray
        from ray.data import ActorPoolStrategy, DataContext
    except ImportError as error:
        raise ArchiveError(f"Ray is not installed ({error}): install the extra `bulk`") from error
    if "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False, logging_level="error")
    else:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        cores = int(ray.cluster_resources().get("CPU", 0))
        size = min(workers or cores, len(todo))
        if size > cores:
            raise ArchiveError(f"{size} workers want as many cores, and the cluster has {cores}")
        context = DataContext.get_current()
        context.enable_progress_bars = False
        pieces = ray.data.from_items([asdict(piece) for piece in todo], override_num_blocks=len(todo))
        strategy = ActorPoolStrategy(size=size)
        yield from pieces.map(Worker, fn_constructor_args=(job, manifest), compute=strategy, num_cpus=1).iter_rows()
    except ray.exceptions.RayError as error:
        raise ArchiveError(f"the run ended: {_reason(error)}; the same command goes on with it") from error
    finally:
        ray.shutdown()


def _reason(error: BaseException) -> str:
    """What a worker ended with: the last error that Ray's text quotes and that is not its own."""
    quoted = [found for found in ERROR_LINE.findall(str(error)) if not found[0].startswith("ray.")]
    kind, said = quoted[-1] if quoted else (type(error).__name__, "")
    return said if kind.endswith(ArchiveError.__name__) else f"{kind}: {said}" if said else kind
