"""The figures page at `/figures`. It holds no figure: those come by the API, with a key or a session."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from data.gazetteer import CITY_NAMES
from serving.api import engine
from serving.pages import page

router = APIRouter(include_in_schema=False)


@router.get("/figures")
async def figures(request: Request) -> HTMLResponse:
    """The page."""
    cities = [(city, CITY_NAMES.get(city, city)) for city in engine(request).suggester.policies]
    return page("figures.html", data={"cities": cities})
