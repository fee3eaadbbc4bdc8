"""How tightly each operation binds. Every printer takes its brackets from this table."""

from __future__ import annotations

from .expr import Arr, Call, Expr, Num

CASES, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(7)

BINDING = {
    "cases": CASES,
    "gt": COMPARE, "ge": COMPARE, "lt": COMPARE, "le": COMPARE,
    "add": SUM,
    "mul": PRODUCT, "hadamard": PRODUCT, "div": PRODUCT, "matmul": PRODUCT, "outer": PRODUCT,
    "neg": SIGN,
    "pow": POWER, "transpose": POWER,
}  # fmt: skip

# Operations of equal strength that may follow each other on the left without brackets: a·b/c is (a·b)/c.
RUNS_ON = {("div", "mul"), ("mul", "mul"), ("div", "div"), ("hadamard", "hadamard"), ("matmul", "matmul")}


def binding(expr: Expr) -> int:
    """The strength of the outermost operation of a formula; names and functions are atoms."""
    if type(expr) is Num:
        return SIGN if expr.value < 0 else ATOM
    if type(expr) is Call and not expr.prime:
        return BINDING.get(expr.op, ATOM)
    return ATOM


def needs_brackets(parent: str, child: Expr, position: int) -> bool:
    """Whether `child` must stand in brackets as the argument at `position` of the operation `parent`.

    Brackets keep the order of work: what is printed, worked from left to right, is what was calculated.
    """
    outer, inner = BINDING[parent], binding(child)
    if parent == "pow" and position == 1:  # x^-y stands as it is, and x^(-y/2) does not: its sign goes with all of it
        return inner < SIGN or (type(child) is Call and child.op == "neg" and binding(child.args[0]) < SIGN)
    if parent == "pow":
        return inner <= POWER
    if parent == "transpose":
        return inner < ATOM
    if parent == "neg":
        return inner < PRODUCT or inner == SIGN
    if outer == PRODUCT:
        if position == 0:
            if inner == PRODUCT and type(child) is Call:
                return (parent, child.op) not in RUNS_ON
            return inner < PRODUCT
        return inner <= SIGN
    if outer == SUM:
        return inner < SUM or (inner == SUM and position > 0)
    return inner <= outer and not isinstance(child, Arr)
