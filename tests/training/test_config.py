"""A run's config refuses what it does not know, and says where it stands."""

from pathlib import Path

import pytest

from data.tables import DataError
from training.config import CONFIG_DIR, load_config


def test_the_configs_of_the_project_load() -> None:
    names = {path.stem for path in CONFIG_DIR.glob("*.toml")}
    assert {"release", "smoke"} <= names
    for name in names:
        load_config(CONFIG_DIR / f"{name}.toml")


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        ("[fit]\nepochs = 2\nlerning_rate = 1\n", 3, "fit.lerning_rate", "Extra inputs"),
        ("[fit]\nepochs = -1\n", 2, "fit.epochs", "greater than or equal to 0"),
        ("[fit]\nepochs = 'two'\n", 2, "fit.epochs", "number"),
        ("\n[fti]\nepochs = 2\n", 2, "fti", "Extra inputs"),
        ("[noise]\nprefix = 1.5\n", 2, "noise.prefix", "less than or equal to 1"),
        ("fit = 3\n", 1, "fit", "Config|Fit|dictionary"),
    ],
)
def test_errors_name_line_and_field(tmp_path: Path, text: str, line: int, field: str, message: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        load_config(path)
    assert (caught.value.file, caught.value.line, caught.value.field) == (path, line, field)


@pytest.mark.parametrize("content", [b"[fit", b"\xff\xfe", b"a = = 1"])
def test_what_is_no_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(DataError):
        load_config(path)
