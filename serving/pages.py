"""The page at `/`: paste, type or pick a call and see the suggestion with its evidence."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from data.corpus import read_lines
from data.gazetteer import CITY_NAMES
from data.records import Record, Turn
from data.tables import DATA_DIR
from data.taxonomy import URGENCY_NAMES
from serving.api import engine

HERE = Path(__file__).parent
CONTENT_POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
router = APIRouter(include_in_schema=False)
templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())


class Sample(Record):
    """A call to try (`samples.jsonl`). `city` is that of its policy, the default city's if absent."""

    title: str
    city: str | None = None
    channel: Literal["110", "12345"] = "110"
    turns: list[Turn]


@cache
def samples() -> list[Sample]:
    """The sample calls of the page."""
    return list(read_lines(DATA_DIR / "samples.jsonl", Sample))


def page(template: str, **values: Any) -> HTMLResponse:
    """A page of `templates/`, under the strict content policy."""
    html = templates.get_template(template).render(values)
    return HTMLResponse(html, headers={"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-store"})


@router.get("/")
async def index(request: Request) -> HTMLResponse:
    """The page."""
    suggester = engine(request).suggester
    return page(
        "index.html",
        cities=[(city, CITY_NAMES.get(city, city)) for city in suggester.policies],
        samples=[sample.model_dump() for sample in samples()],
        urgencies={level.value: name for level, name in URGENCY_NAMES.items()},
        degraded=suggester.degraded,
    )
