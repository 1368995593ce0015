"""Every category that a release of this service has: what was stored under one stays readable under the next."""

from collections.abc import Mapping
from functools import lru_cache

from data.own_taxonomy import PACKAGED, Taxonomy
from data.policy import Rule, policies
from data.taxonomy import Category
from model.registry import Registry
from model.release import MANIFEST, ReleaseError, open_release

# Grows only, and only with releases: like the metrics, one for the process.
_taxonomies = [PACKAGED]


def learn(taxonomy: Taxonomy) -> None:
    """Keeps the categories of a release that is made to serve here."""
    if taxonomy not in _taxonomies:
        _taxonomies.append(taxonomy)


def learn_all(registry: Registry) -> None:
    """Keeps those of every release that lies here, once fetched where the registry is at a URL; not of broken ones."""
    for manifest in sorted(registry.folder.glob(f"*/{MANIFEST}")):
        try:
            learn(open_release(manifest.parent, ()).taxonomy)
        except ReleaseError:
            continue


def known_categories() -> Mapping[str, Category]:
    """All of them by code, the packaged ones first, those of later releases behind those of earlier ones."""
    return _together(tuple(_taxonomies))


@lru_cache(8)
def _together(taxonomies: tuple[Taxonomy, ...]) -> Mapping[str, Category]:
    found: dict[str, Category] = {}
    for taxonomy in taxonomies:
        found |= {code: category for code, category in taxonomy.categories.items() if code not in found}
    return found


def known_category(code: object) -> object:
    """`code` if a release has it; `ValueError` otherwise."""
    if not any(code in taxonomy for taxonomy in _taxonomies):
        raise ValueError(f"{code!r} is not a category of taxonomy.csv")
    return code


def known_rule(city: str, category: str) -> Rule | None:
    """Where the city sends a category; None for a city without a table or a category that no release has."""
    tables = (policies(taxonomy).get(city) for taxonomy in _taxonomies)
    return next((table.rules[category] for table in tables if table and category in table.rules), None)
