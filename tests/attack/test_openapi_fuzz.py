"""Whatever the OpenAPI allows or forbids is asked of every operation: no 5xx, no answer that is not described."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from serving.keys import Role
from tests.serving.conftest import Headers

# A schema cannot say all that the contract wants (turns or text, words that are not blank, ids that exist), so what fits it
# may still be refused; and what does not – an unknown parameter, a header that this test puts right – may be answered.
NOT_ASKED = [positive_data_acceptance, negative_data_rejection]
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def fuzz(address: str, headers: Headers, chosen: settings) -> None:
    """Every operation with what fits its description and with what does not; aside of the
    wall's stream, which has no end, and the metrics, which want no key on this machine.
    """
    api: Any = schemathesis.openapi.from_url(f"{address}/openapi.json").exclude(path=["/v1/live", "/metrics"])
    wrong: list[BaseException] = []
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) > 25
    for operation in operations:
        for mode in GenerationMode:

            @chosen
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                case.call_and_validate(headers=headers, excluded_checks=NOT_ASKED)

            try:
                ask()
            except Unsatisfiable:
                assert operation.definition.raw.get("parameters", []) == []  # nothing about it could be wrong
            except (Exception, BaseExceptionGroup) as error:
                error.add_note(f"{mode.value} {operation.label}")
                wrong.append(error)
    if wrong:
        raise BaseExceptionGroup(f"{len(wrong)} operations", wrong)


def test_every_operation(address: str, keys: dict[Role, Headers]) -> None:
    fuzz(address, keys[Role.ADMIN], settings(max_examples=3, deadline=None, derandomize=True, database=None,
                                             suppress_health_check=SLOW))  # fmt: skip


@pytest.mark.soak
def test_every_operation_for_long(address: str, keys: dict[Role, Headers]) -> None:
    fuzz(
        address, keys[Role.ADMIN], settings(max_examples=200, deadline=None, database=None, suppress_health_check=SLOW)
    )
