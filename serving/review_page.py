"""The reviewers' page at `/review`. Its modules stand in `static/review`; what they need to know comes with it."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from data.gazetteer import CITY_NAMES
from data.guide import guide
from data.review_reasons import review_reasons
from serving.api import engine
from serving.console import words
from serving.known import known_categories
from serving.pages import page

router = APIRouter(include_in_schema=False)


@router.get("/review")
async def review(request: Request) -> HTMLResponse:
    """The page. It holds no call and no rule of a city: those come by the API, with a session or a key."""
    data: dict[str, Any] = {
        "terms": words(engine(request).suggester.model.taxonomy),
        "guide": guide().model_dump(),
        "scopes": {category.code: category.scope for category in known_categories().values()},
        "reasons": review_reasons(),
        "cities": [(city, CITY_NAMES.get(city, city)) for city in engine(request).suggester.policies],
    }
    return page("review.html", data=data)
