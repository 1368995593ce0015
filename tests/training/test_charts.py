"""Charts find a Chinese font, or say which to install."""

import warnings

import matplotlib
import pytest

from training.charts import NO_FONT, chinese


def test_the_first_font_that_is_there_is_taken() -> None:
    with matplotlib.rc_context():
        assert chinese(("no such font", "DejaVu Sans")) == "DejaVu Sans"
        assert matplotlib.rcParams["font.family"][0] == "DejaVu Sans"


def test_without_one_there_is_a_note_and_no_warning_for_every_character() -> None:
    with matplotlib.rc_context(), warnings.catch_warnings():
        assert chinese(("no such font",)) == NO_FONT
        warnings.warn("Glyph 20320 missing from font", UserWarning, stacklevel=1)
    with pytest.warns(UserWarning, match="Glyph"):
        warnings.warn("Glyph 20320 missing from font", UserWarning, stacklevel=1)
