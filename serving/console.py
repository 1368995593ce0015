"""The operator's page at `/console`. Its modules stand in `static/console`; what they need to know comes with it."""

from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from data.gazetteer import CITY_NAMES
from data.own_taxonomy import PACKAGED, Taxonomy
from data.pinyin import load_terms
from model.routing import scripts
from serving.api import engine
from serving.pages import page, samples

router = APIRouter(include_in_schema=False)


@cache
def words(taxonomy: Taxonomy = PACKAGED) -> list[tuple[str, str, str]]:
    """Words that find a code, with their pinyin: the browser needs no pinyin library.

    Those of a category that is merged away find the one it is part of; a city's own is found by its name.
    """
    own = [(code, taxonomy.categories[code].name, "") for code in taxonomy.ways if code in taxonomy.categories]
    terms = [(taxonomy.merged.get(term.code, term.code), term) for term in load_terms()]
    first = sorted(terms, key=lambda found: found[0] != found[1].code)  # the first of a code is its own name
    return [*((code, term.term, term.pinyin) for code, term in first), *own]


@router.get("/console")
async def console(request: Request) -> HTMLResponse:
    """The page. It holds no call and no rule of a city: those come by the API, with a key."""
    suggester = engine(request).suggester
    data: dict[str, Any] = {
        "terms": words(suggester.model.taxonomy),
        "scripts": scripts(),
        "city": suggester.city,
        "cities": [(city, CITY_NAMES.get(city, city)) for city in suggester.policies],
        "samples": [sample.model_dump() for sample in samples()],
    }
    return page("console.html", data=data, degraded=suggester.degraded)
