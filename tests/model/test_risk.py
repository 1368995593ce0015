"""What a wrong suggestion may cost."""

from pathlib import Path

import numpy as np
import pytest

from data.policy import load_policy
from data.tables import DataError
from data.taxonomy import Urgency, categories
from model.decode import Array
from model.risk import expected_cost, load_costs

CODES = list(categories())
POLICY = load_policy("hangzhou")


def certain(category: str, urgency: Urgency) -> Array:
    table = np.zeros((65, 4), np.float32)
    table[CODES.index(category), urgency.rank] = 1
    return table


def cost_of(truth: tuple[str, Urgency], said: tuple[str, Urgency]) -> float:
    category, urgency = said
    return expected_cost(certain(*truth), POLICY, POLICY.rules[category].destination(urgency), urgency)


def test_mistakes_cost_what_the_table_says() -> None:
    costs = load_costs()
    fire, leak = ("fire", Urgency.EMERGENCY), ("neighbour_dispute", Urgency.ROUTINE_ONSITE)
    assert cost_of(fire, fire) == cost_of(leak, leak) == 0
    assert cost_of(fire, leak) == costs["missed_emergency"]
    assert cost_of(("fire", Urgency.URGENT), leak) == costs["missed_urgent"]
    assert cost_of(leak, fire) == costs["needless_dispatch"]
    assert cost_of(leak, ("gov_consult", Urgency.ROUTINE_REMOTE)) == costs["wrong_destination"]


def test_a_small_chance_of_danger_outweighs_a_likely_address() -> None:
    leak = ("neighbour_dispute", Urgency.ROUTINE_ONSITE)
    table = np.float32(0.97) * certain(*leak) + np.float32(0.03) * certain("gas_hazmat", Urgency.EMERGENCY)
    assert expected_cost(table, POLICY, "grassroots_platform", Urgency.ROUTINE_ONSITE) > 1
    table = np.float32(0.9) * certain(*leak) + np.float32(0.1) * certain(
        "property_mgmt_dispute", Urgency.ROUTINE_ONSITE
    )
    assert expected_cost(table, POLICY, "grassroots_platform", Urgency.ROUTINE_ONSITE) == 0


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ("missed_emergency,50\nmissed_urgent,10\nneedless_dispatch,4", "mistake"),
        ("missed_emergency,-1", "cost"),
        ("missed_emergency,much", "cost"),
        ("bad_mood,1", "mistake"),
    ],
)
def test_a_broken_table_says_where(tmp_path: Path, rows: str, field: str) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(f"mistake,cost\n{rows}\n", encoding="utf-8")
    with pytest.raises(DataError, match=field):
        load_costs(path)
