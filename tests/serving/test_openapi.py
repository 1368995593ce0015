"""The API is what its OpenAPI says: described, and true under schemathesis."""

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving.conftest import Headers


@pytest.fixture
def schema(app: FastAPI) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", app)


described = schemathesis.pytest.from_fixture("schema")


def test_every_operation_is_described(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert len(operations) >= 7
    assert all(operation.get("description") for operation in operations)
    classify = schema["paths"]["/v1/classify"]["post"]["responses"]
    assert set(classify) == {"200", "400", "401", "403", "413", "422", "429"}
    assert "application/problem+json" in classify["422"]["content"]


@described.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_it_or_is_answered_otherwise_than_described(
    case: schemathesis.Case[Any], operator: Headers
) -> None:
    case.call_and_validate(
        headers=operator,
        checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance],
    )
