"""The tour of `./dev demo`: a sheet worked out, a real table learned, and a report written."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..errors import BackhandError
from ..notation.numbers import Digits

EPOCHS = 300
PLACE = Path("build") / "demo"


def tour(place: Path) -> None:
    """Shows the price sheet for two epochs and a network learning the penguins; writes both as reports and pages."""
    from ..api import Work
    from ..explain.show import Choices
    from ..explain.summary import summary_document
    from ..render.files import as_text, write_whole
    from .common import open_sheet, print_document

    digits = Digits()
    click.echo("$ backhand show price --epochs 2\n")
    price = open_sheet("price").show(epochs=2)
    print_document(price.document(), digits)

    click.echo(f"\n\n$ backhand show penguins --epochs {EPOCHS}     (in short)\n")
    penguins = open_sheet("penguins")
    run = penguins.run(EPOCHS, keep=lambda count, epoch: count == 1)
    print_document(summary_document(penguins.problem, run), digits)

    place.mkdir(parents=True, exist_ok=True)
    reports: dict[str, str | bytes] = {
        "price.html": as_text(price.document(), None, "html", digits),
        "price.svg": open_sheet("price").draw().to_svg(),
        "price.md": as_text(price.document(), None, "markdown", digits),
        "price.tex": as_text(price.document(), None, "latex", digits),
        "price.json": as_text(price.document(), price.to_dict(), "json", digits),
        "penguins.md": as_text(Work(penguins.problem, run, Choices()).document(), None, "markdown", digits),
    }
    for name, text in reports.items():
        write_whole(place / name, text)
    click.echo(f"\nThe written reports: {place}/ ({', '.join(reports)})")


def main() -> None:
    """Runs the tour; errors end in words."""
    try:
        tour(Path(sys.argv[1]) if len(sys.argv) > 1 else PLACE)
    except BackhandError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
