"""Whatever the OpenAPI allows or forbids is asked of every operation: no 5xx, no answer that is not described."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from serving.keys import Role
from tests.serving.conftest import Headers


@pytest.fixture(scope="module")
def described(address: str) -> Any:
    """The API while it runs; the wall's stream, which does not end, is left out."""
    return schemathesis.openapi.from_url(f"{address}/openapi.json").exclude(path="/v1/live")


api = schemathesis.pytest.from_fixture("described")
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
once = settings(max_examples=3, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW)


@api.parametrize()
@once
def test_every_operation(case: Any, keys: dict[Role, Headers]) -> None:
    case.call_and_validate(headers=keys[Role.ADMIN])


@pytest.mark.soak
@api.parametrize()
@settings(once, max_examples=300, derandomize=False)
def test_every_operation_for_long(case: Any, keys: dict[Role, Headers]) -> None:
    case.call_and_validate(headers=keys[Role.ADMIN])
