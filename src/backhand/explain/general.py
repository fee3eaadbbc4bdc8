"""The general rule for any layer, in letters, for no sheet in particular (S3)."""

from __future__ import annotations

import re

from ..document.parts import Document, Formula, Page
from ..errors import UsageError
from ..notation.expr import Call, Expr, Num, Partial, Ref, add, call, mul, power

FARTHEST = 12


def parse_layer(text: str) -> int:
    """How far a layer lies before the last one: `L` is 0, `L-2` is 2.

    Raises:
        UsageError: anything else.
    """
    found = re.fullmatch(r"\s*[Ll]\s*(?:[-−]\s*(\d{1,3}))?\s*", text)
    if not found or int(found[1] or 0) > FARTHEST:
        raise UsageError(
            f"`{text}` is no layer",
            expected=f"L (the last layer), L-1, L-2, … up to L-{FARTHEST}",
            hint="backhand why --general L-1",
        )
    return int(found[1] or 0)


def _number(back: int) -> str:
    return "L" if back == 0 else f"L-{back}"


def _q(letter: str, back: int, index: str = "") -> Ref:
    return Ref(f"{letter}{'_' if index else ''}{index}^({_number(back)})")


def _slope(back: int, index: str = "") -> Expr:
    return call("g", _q("z", back, index), prime=1)


C, Y = Ref("C"), Ref("y")


def general_document(layer: str) -> Document:
    """The chain rule for the weights and the bias of one layer: one unit a layer, then many, then in matrices."""
    back = parse_layer(layer)
    page = Page(f"The rule for layer {_number(back)}")
    page.heading(page.title, 1)
    page.text(
        "L is the number of the last layer; g is the activation, g' its derivative; y is the target."
        " A layer takes the one before it:"
    )
    for b in range(back, -1, -1):
        page.add(Formula(_q("z", b), add(mul(_q("w", b), _q("a", b + 1)), _q("b", b))))
        page.add(Formula(_q("a", b), call("g", _q("z", b))))
    page.add(Formula(C, power(_q("a", 0) - Y, 2)))
    page.note(
        "The cost is (a - y)² of one row, without a ½: with one, every partial below is half as large;"
        " a mean over N rows divides by N."
    )

    page.heading("Its factors")
    page.add(Formula(Partial(C, _q("a", 0)), 2.0 * (_q("a", 0) - Y)))
    for b in range(back + 1):
        page.add(Formula(Partial(_q("a", b), _q("z", b)), _slope(b)))
        if b < back:
            page.add(Formula(Partial(_q("z", b), _q("a", b + 1)), _q("w", b)))
    page.add(Formula(Partial(_q("z", back), _q("w", back)), _q("a", back + 1)))
    page.add(Formula(Partial(_q("z", back), _q("b", back)), Num(1.0)))

    page.heading("Their product: one unit a layer")
    symbols: list[Expr] = [Partial(C, _q("a", 0)), Partial(_q("a", 0), _q("z", 0))]
    slopes: list[Expr] = [2.0 * (_q("a", 0) - Y), _slope(0)]
    for b in range(back):
        symbols += [Partial(_q("z", b), _q("a", b + 1)), Partial(_q("a", b + 1), _q("z", b + 1))]
        slopes += [_q("w", b), _slope(b + 1)]
    for letter, last in (("w", _q("a", back + 1)), ("b", Num(1.0))):
        by = _q(letter, back)
        page.add(Formula(Partial(C, by), mul(*symbols, Partial(_q("z", back), by))))
        page.add(Formula(Partial(C, by), mul(*slopes, last)))

    _many_units(page, back)
    _matrices(page, back)
    return page.done()


def _delta(back: int, index: str = "") -> Ref:
    return _q("δ", back, index)


def _sum_over(index: str, body: Expr) -> Expr:
    return Call(f"sum_{index}", (body,))


def _many_units(page: Page, back: int) -> None:
    """With indices: w_jk goes to unit j from unit k; δ is looked up."""
    page.heading("Many units: δ is worked once and looked up")
    behind = " The layer behind has worked its own δ_m already:" if back else ""
    page.text(f"w_jk goes to unit j from unit k of the layer before; δ_j = ∂C/∂z_j.{behind}")
    page.add(Formula(_delta(0, "j"), mul(2.0, _q("a", 0, "j") - Ref("y_j"), _slope(0, "j"))))
    for b in range(1, back + 1):
        inner = mul(_delta(b - 1, "m"), _q("w", b - 1, "mj"))
        page.add(Formula(_delta(b, "j"), mul(_sum_over("m", inner), _slope(b, "j"))))
    page.add(Formula(Partial(C, _q("w", back, "jk")), mul(_delta(back, "j"), _q("a", back + 1, "k"))))
    page.add(Formula(Partial(C, _q("b", back, "j")), _delta(back, "j")))


def _matrices(page: Page, back: int) -> None:
    page.heading("As matrices")
    page.text(
        "W has a row per unit of its layer and a column per unit of the layer before; ⊙ multiplies entry by entry."
    )
    page.add(Formula(_delta(0), Call("hadamard", (2.0 * (_q("a", 0) - Y), _slope(0)))))
    for b in range(1, back + 1):
        carried = Call("matmul", (Call("transpose", (_q("W", b - 1),)), _delta(b - 1)))
        page.add(Formula(_delta(b), Call("hadamard", (carried, _slope(b)))))
    page.add(Formula(Partial(C, _q("W", back)), Call("outer", (_delta(back), _q("a", back + 1)))))
    page.add(Formula(Partial(C, _q("b", back)), _delta(back)))


def general_json(layer: str) -> dict[str, object]:
    """The rule's formulas as `backhand.why/1`, in letters."""
    from ..notation.text import PLAIN

    document = general_document(layer)
    formulas = [
        {"left": PLAIN(p.left) if p.left is not None else None, "right": PLAIN(p.right)}
        for p in document.parts
        if isinstance(p, Formula)
    ]
    return {
        "schema": "backhand.why/1",
        "general": f"L-{back}" if (back := parse_layer(layer)) else "L",
        "formulas": formulas,
        "paths": [],
    }
