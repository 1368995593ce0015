"""The API is what its OpenAPI says it is."""

from fastapi.testclient import TestClient


def test_every_operation_is_described(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert len(operations) >= 7
    assert all(operation.get("description") for operation in operations)
    classify = schema["paths"]["/v1/classify"]["post"]["responses"]
    assert set(classify) == {"200", "400", "401", "403", "413", "422", "429"}
    assert "application/problem+json" in classify["422"]["content"]
    assert {"turns", "text"} <= set(schema["components"]["schemas"]["Call"]["properties"])
