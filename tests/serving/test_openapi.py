"""schemathesis over the whole OpenAPI: no 5xx, nothing undocumented."""

from fastapi import FastAPI
from fastapi.testclient import TestClient


def test_every_operation_is_described(client: TestClient, app: FastAPI) -> None:
    schema = client.get("/openapi.json").json()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert len(operations) >= 7
    assert all(operation.get("description") for operation in operations)
    classify = schema["paths"]["/v1/classify"]["post"]["responses"]
    assert set(classify) == {"200", "400", "401", "403", "413", "422", "429"}
    assert "application/problem+json" in classify["422"]["content"]
