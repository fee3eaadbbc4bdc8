"""Pictures below one another as one SVG file."""

from __future__ import annotations

from collections.abc import Sequence

from ..document.parts import Chart, Grid
from .chart import HEIGHT, WIDTH, chart_svg
from .grid import grid_height, grid_svg


def pictures_svg(pictures: Sequence[Chart | Grid]) -> str:
    """Charts and grids as the text of an SVG file."""
    body, tall = [], 0
    for picture in pictures:
        if isinstance(picture, Grid):
            body.append(grid_svg(picture, tall))
            tall += grid_height(picture)
        else:
            body.append(chart_svg(picture, tall))
            tall += HEIGHT
    tall = max(tall, 1)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" width="{WIDTH}" height="{tall}"'
        ' font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *body, "</svg>"]) + "\n"
