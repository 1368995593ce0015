"""Charts with Chinese in them, for notebooks."""

import warnings
from collections.abc import Sequence

import matplotlib
from matplotlib import font_manager

FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "WenQuanYi Zen Hei",
    "SimHei",
)
NO_FONT = "没有找到中文字体，图中汉字会显示为方框；Debian 上请先 apt install fonts-noto-cjk"


def chinese(fonts: Sequence[str] = FONTS) -> str:
    """Has matplotlib write in the first of `fonts` that is there and draw small pictures; its name, or a note.

    Without one the charts are drawn all the same, with boxes in place of characters and without a warning for each.
    """
    known = {font.name for font in font_manager.fontManager.ttflist}
    matplotlib.rcParams.update({"figure.dpi": 72, "axes.spines.top": False, "axes.spines.right": False,
                                "axes.unicode_minus": False})  # fmt: skip
    found = next((name for name in fonts if name in known), None)
    if found is None:
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        return NO_FONT
    matplotlib.rcParams["font.family"] = [found, "DejaVu Sans"]
    return found
