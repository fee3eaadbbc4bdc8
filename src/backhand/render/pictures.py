"""Pictures as SVG: each by itself, or several below one another as one file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..document.parts import Chart, Diagram, Grid, Histogram, Picture, Surface
from ..notation.numbers import Digits
from .chart import HEIGHT, WIDTH, chart_svg
from .diagram import described, diagram_svg
from .grid import grid_height, grid_svg
from .histogram import histogram_svg
from .surface import described_surface, surface_svg

FONTS = 'font-family="sans-serif" font-size="12"'


def picture_svg(picture: Picture, digits: Digits, key: str = "p1", brief: bool = False) -> str:
    """One picture as an SVG element that says what it shows.

    Args:
        key: sets its names apart from those of others.
        brief: as of `diagram_svg`.
    """
    if brief and isinstance(picture, Diagram):
        body, wide, high = diagram_svg(picture, digits, 0, brief)
    else:
        body, wide, high = _drawn(picture, digits, 0)
    said = (
        f'<title id="{key}t">{escape(picture.title)}</title><desc id="{key}d">{escape(_words(picture, digits))}</desc>'
    )
    fits = "" if isinstance(picture, Diagram) else ' class="fits"'
    told = f'{fits} role="img" aria-labelledby="{key}t {key}d"'
    return f"{_opened(wide, high, told)}{said}{body}</svg>"


def pictures_svg(pictures: Sequence[Picture], digits: Digits | None = None) -> str:
    """Pictures below one another as the text of an SVG file."""
    body, widest, tall = [], 1, 0
    for picture in pictures:
        drawn, wide, high = _drawn(picture, digits or Digits(), tall)
        body.append(drawn)
        widest, tall = max(widest, wide), tall + high
    tall = max(tall, 1)
    return "\n".join([_opened(widest, tall), '<rect width="100%" height="100%" fill="#fff"/>', *body, "</svg>"]) + "\n"


def _opened(wide: int, high: int, more: str = "") -> str:
    size = f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {FONTS}{more}>'


def _drawn(picture: Picture, digits: Digits, top: int) -> tuple[str, int, int]:
    match picture:
        case Grid():
            return grid_svg(picture, top), WIDTH, grid_height(picture)
        case Diagram():
            return diagram_svg(picture, digits, top)
        case Surface():
            return surface_svg(picture, top)
        case Histogram():
            return histogram_svg(picture, top)
        case Chart():
            return chart_svg(picture, top), WIDTH, HEIGHT


def _words(picture: Picture, digits: Digits) -> str:
    """What a picture shows, for who cannot see it."""
    match picture:
        case Diagram():
            return described(picture, digits)
        case Surface():
            return described_surface(picture, digits)
        case Chart(series=series, x_label=x, y_label=y):
            return f"A chart of {y} over {x}: {', '.join(_course(s.name, s.xs, s.ys, digits) for s in series)}."
        case Histogram(counts=counts, x_label=x):
            return f"How often values of {x} occur: {sum(counts)} in {len(counts)} bins."
        case Grid(rows=rows, columns=columns):
            return f"Counts over {len(rows)} rows and {len(columns)} columns; the table below has them."


def _course(name: str, xs: Sequence[float], ys: Sequence[float], digits: Digits) -> str:
    if not xs:
        return f"{name} without points"
    text = digits.text
    return f"{name} from {text(ys[0])} at {text(xs[0])} to {text(ys[-1])} at {text(xs[-1])}"
