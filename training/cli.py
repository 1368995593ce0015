"""Commands for data scientists. The heavy imports wait until a command needs them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.own_taxonomy import Taxonomy, together
from data.tables import DATA_DIR, DataError
from training.cli_import import app as import_app

if TYPE_CHECKING:
    from training.evaluate import Case

SAFETY = DATA_DIR / "safety" / "safety.jsonl"

app = typer.Typer()
app.add_typer(import_app)


def _fail(error: Exception) -> typer.Exit:
    typer.echo(f"error: {error}", err=True)
    return typer.Exit(2)


def _without_extra(error: ModuleNotFoundError) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"{error.name} is not installed: this command needs the extra yidiantong[train]")


def _split(name: str) -> "list[Case]":
    """One split of the corpus."""
    from data.corpus import load_corpus
    from training.evaluate import Case
    from training.material import parted

    return [Case.of(item) for item in parted(load_corpus())[name]]


def _known(*releases: Path) -> Taxonomy:
    """Every category that one of the releases knows.

    Raises:
        ReleaseError: one of them is broken.
    """
    from model.release import open_release

    return together(*(open_release(folder, ()).taxonomy for folder in releases))


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="TOML file of the run, see training/configs/.")],
    output: Annotated[Path, typer.Option(help="Run folder; gets checkpoints, report and release.")] = Path(
        "runs/latest"
    ),
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", "--reviews", help="Corpus folders to learn from, too: reviews, own records."),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint in the run folder.")] = False,
) -> None:
    """Fine-tune, export to int8, gate, calibrate and evaluate: a release in one command."""
    from training.config import load_config

    settings = load_config(config)
    more = (*settings.corpus.more, *(data or ()))
    settings = settings.model_copy(update={"corpus": settings.corpus.model_copy(update={"more": more})})
    try:
        from training.pipeline import GateError
        from training.pipeline import train as run_training
    except ModuleNotFoundError as error:
        raise _fail(_without_extra(error)) from error
    try:
        run_training(settings, output, typer.echo, resume)
    except (GateError, ValueError) as error:
        raise _fail(error) from error


@app.command()
def evaluate(
    data: Annotated[
        Path | None, typer.Option(help="Labelled JSONL; without it, the held-out split of the corpus.")
    ] = None,
    release: Annotated[Path | None, typer.Option(help="Folder of the release; without it, the bundled one.")] = None,
    output: Annotated[Path, typer.Option(help="Folder for report.json, report.md and pictures.")] = Path(
        "reports/latest"
    ),
) -> None:
    """Measure the model and the baseline side by side on labelled calls."""
    from model.release import BUNDLED, ReleaseError

    try:
        from training.evaluate import HELD_OUT, read_cases
        from training.report import figures_table, write_report
    except ModuleNotFoundError as error:
        raise _fail(_without_extra(error)) from error

    folder = release or BUNDLED
    try:
        cases = read_cases(data, _known(folder)) if data else _split("test")
        if not cases:
            raise DataError(data or "", 0, "", "holds no labelled call")
        name = data.stem if data else HELD_OUT
        report = write_report(output, name, cases, folder)
    except (DataError, ReleaseError) as error:
        raise _fail(error) from error
    typer.echo(f"{name}: {len(cases)} calls\n\n{figures_table(report)}\n\nreport in {output}")


@app.command()
def compare(
    live: Annotated[Path, typer.Argument(help="Folder of the release that serves.")],
    candidate: Annotated[Path, typer.Argument(help="Folder of the release that would.")],
    data: Annotated[
        Path | None, typer.Option(help="Labelled JSONL; without it, the held-out split of the corpus.")
    ] = None,
    danger: Annotated[
        Path | None, typer.Option(help="Labelled JSONL of hidden dangers; without it, the safety set.")
    ] = None,
    gate: Annotated[Path | None, typer.Option(help="YAML; without it, training/gates/default.yaml.")] = None,
    variants: Annotated[int, typer.Option(min=1, help="Calls that are also misheard and cut short.")] = 300,
    output: Annotated[Path, typer.Option(help="Folder for compare.json and compare.html.")] = Path("reports/compare"),
) -> None:
    """Judge a candidate beside the live release; exits 1 when the gate refuses it."""
    from model.release import ReleaseError

    try:
        from training.candidate import judge
        from training.candidate_report import write_comparison
        from training.evaluate import read_cases
        from training.gate import DEFAULT, findings, load_gate
    except ModuleNotFoundError as error:
        raise _fail(_without_extra(error)) from error
    try:
        rules = load_gate(gate or DEFAULT)
        cases = read_cases(data, _known(live, candidate)) if data else _split("test")
        if not cases:
            raise DataError(data or "", 0, "", "holds no labelled call")
        hidden = danger or SAFETY
        dangers = read_cases(hidden)
        if not any(case.danger for case in dangers):
            raise DataError(hidden, 0, "danger", "holds no call in which danger hides")
        figures = judge(live, candidate, cases, dangers, variants)
    except (ValueError, ReleaseError) as error:
        raise _fail(error) from error
    found = findings(rules, figures)
    promote = write_comparison(output, figures, found)
    if told := figures["taxonomy"]:
        typer.echo(f"the releases have other categories: compared on those that both know, "
                   f"{len(told['merged'])} merged, {len(told['live']['own'])} only live, "
                   f"{len(told['candidate']['own'])} only the candidate's ({told['candidate']['right']} of "
                   f"{told['candidate']['calls']} of its calls right)")  # fmt: skip
    for finding in found:
        typer.echo(f"{'kept  ' if finding.kept else 'BROKEN'} {finding.rule}: {finding.found}")
    typer.echo(f"{'promote' if promote else 'refuse'} {figures['versions']['candidate']}; report in {output}")
    raise typer.Exit(0 if promote else 1)


@app.command()
def earliness(
    data: Annotated[
        Path | None, typer.Option(help="Labelled JSONL; without it, the validation split's dialogues and speech.")
    ] = None,
    release: Annotated[Path | None, typer.Option(help="Folder of the release; without it, the bundled one.")] = None,
    output: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("reports/earliness"),
    choose: Annotated[bool, typer.Option("--choose", help="First choose data/stability.csv anew.")] = False,
) -> None:
    """Measure how early a live call shows the right thing, and how often it changes its mind."""
    from model.blend import Blend
    from model.release import BUNDLED, ReleaseError
    from model.stability import load_stability
    from model.suggest import Suggester

    try:
        from training.earliness import choose as choose_rules
        from training.earliness import compare, write_rules
        from training.earliness_report import summary, write_earliness
        from training.evaluate import read_cases
    except ModuleNotFoundError as error:
        raise _fail(_without_extra(error)) from error
    held = [case for case in _split("validation") if case.style != "note"]
    try:
        cases = held if data is None else read_cases(data, _known(release or BUNDLED))
        if not cases:
            raise DataError(data or "", 0, "", "holds no labelled call")
        suggester = Suggester(model=Blend(release or BUNDLED))
    except (DataError, ReleaseError) as error:
        raise _fail(error) from error
    if choose:
        write_rules(choose_rules(suggester, held, typer.echo), DATA_DIR / "stability.csv")
        load_stability.cache_clear()
    figures = compare(suggester, cases, load_stability())
    report = write_earliness(output, data.stem if data else "validation", suggester.model.version, figures)
    typer.echo(f"{report['set']}: {report['calls']} calls\n\n{summary(report)}\n\nreport in {output}")


@app.command("label-quality")
def label_quality(
    corpus: Annotated[
        Path | None, typer.Option(help="Folder of *.jsonl items; without it, the project's corpus.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for suspected.jsonl and quality.json.")] = Path(
        "reports/quality"
    ),
    release: Annotated[Path | None, typer.Option(help="Folder of the release; without it, the bundled one.")] = None,
) -> None:
    """List labels that are probably wrong, categories that are confused, and kinds worth labelling."""
    from data.corpus import CORPUS_DIR, load_corpus
    from model.release import BUNDLED, ReleaseError
    from model.runtime import Encoder

    try:
        from training.quality import examine, write_quality
    except ModuleNotFoundError as error:
        raise _fail(_without_extra(error)) from error
    try:
        encoder = Encoder(release or BUNDLED)
        items = load_corpus(corpus or CORPUS_DIR, encoder.taxonomy)
        summary = write_quality(output, examine(items, encoder))
    except (OSError, ValueError, ReleaseError) as error:
        raise _fail(error) from error
    typer.echo(f"{summary['suspected']} of {summary['items']} labels are suspected, worst first in {output}")
    for a, b, count in summary["confused"]:
        typer.echo(f"  {a} / {b}: {count}")


@app.command()
def dataset(
    corpus: Annotated[Path, typer.Option(help="Folder of *.jsonl items, as `export-reviews` writes them.")],
    output: Annotated[Path, typer.Option(help="Folder for the `datasets` tables.")],
) -> None:
    """Write a corpus as a `datasets` folder, split by group."""
    from data.corpus import load_corpus

    items = load_corpus(corpus)
    try:
        from training.dataset import load_dataset_dict
    except ModuleNotFoundError as error:
        raise _fail(_without_extra(error)) from error
    try:
        found = load_dataset_dict(items)
        found.save_to_disk(str(output))
    except OSError as error:
        raise _fail(error) from error
    typer.echo(", ".join(f"{len(rows)} {name}" for name, rows in found.items()) + f" → {output}")
