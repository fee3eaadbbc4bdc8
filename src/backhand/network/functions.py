"""Which functions a sheet may use: those of the vocabulary, and in letters any function of one argument."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import NameProblem, SheetError, did_you_mean, nearest
from ..notation.expr import Call, Expr, calls
from ..notation.names import canonical
from ..ops.vocabulary import FUNCTION_NAMES, VOCABULARY
from .costs import NAMED
from .reduction import REDUCTIONS
from .symbols import Symbols

_OPERATORS = {"add", "neg", "mul", "div", "pow", "matmul", "stack"}


def shown(call: Call) -> str:
    """A function's name as it was typed."""
    return call.shown or call.op


def is_known(call: Call) -> bool:
    """Whether the vocabulary has it; operators count as known."""
    return call.op in _OPERATORS or (call.op in VOCABULARY and VOCABULARY[call.op].written)


def check_arguments(call: Call, symbols: Symbols) -> None:
    """Refuses a wrong number of arguments of a known function."""
    if call.op in _OPERATORS:
        return
    entry = VOCABULARY[call.op]
    least, most = entry.arguments
    if not least <= len(call.args) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        letters = ", ".join(entry.letters) if len(entry.letters) == least else "x, y, …"
        raise symbols.error(
            SheetError,
            f"`{shown(call)}` takes {wanted} argument{'s' if most > 1 else ''}",
            call.span,
            expected=f"{shown(call)}({letters})",
            got=f"{len(call.args)} argument{'s' if len(call.args) != 1 else ''}",
            hint="leave the last out" if len(call.args) > most else "give the others too, with `,` between them",
        )


def check_known(expr: Expr, symbols: Symbols) -> None:
    """Refuses unknown functions and wrong numbers of arguments, as in a value."""
    for call in calls(expr):
        if not is_known(call):
            raise unknown_function(call, symbols)
        check_arguments(call, symbols)


def unknown_function(call: Call, symbols: Symbols) -> SheetError:
    """What is said of a function that the vocabulary lacks."""
    name = shown(call)
    span = (call.span[0], call.span[0] + len(name)) if call.span else None
    if call.op in NAMED or call.op in REDUCTIONS:
        return symbols.error(
            SheetError,
            f"`{name}` stands only in the cost",
            span,
            expected="an equation for one row",
            got=f"{name}(…)",
            hint=f"cost C = {name}(…)",
        )
    if symbols.spelling.get(canonical(name)) in symbols.roles:
        return symbols.error(
            NameProblem,
            f"`{name}` is a name, not a function",
            span,
            expected="an operator before the bracket",
            got=f"{name}(…)",
            hint=f"a product needs its sign: `{name}*(…)`",
        )
    return symbols.error(
        NameProblem,
        f"there is no function `{name}`",
        span,
        expected=", ".join(FUNCTION_NAMES),
        got=name,
        hint=did_you_mean(name.lower(), FUNCTION_NAMES)
        or "write it with these; in a sheet without values any function of one argument will do",
    )


def unknown_functions(formulas: Iterable[Expr], cost: Expr | None, symbols: Symbols) -> dict[str, Call]:
    """Functions that the vocabulary lacks, by name, at their first use; the known ones are checked.

    Raises:
        SheetError: for those that cannot be taken as any function of one argument either.
    """
    found: dict[str, Call] = {}
    for formula in (*formulas, *([cost] if cost is not None else [])):
        for call in calls(formula):
            if is_known(call):
                check_arguments(call, symbols)
            elif formula is not cost or (call.op not in NAMED and call.op not in REDUCTIONS):
                is_name = symbols.spelling.get(canonical(shown(call))) in symbols.roles
                if call.op in NAMED or call.op in REDUCTIONS or len(call.args) != 1 or is_name:
                    raise unknown_function(call, symbols)
                found.setdefault(shown(call), call)
    return found


def doubts(unknown: dict[str, Call]) -> list[tuple[Call, str]]:
    """Unknown functions that look like known ones misspelt."""
    said = []
    for name, call in unknown.items():
        near = nearest(name.lower(), FUNCTION_NAMES)
        if near:
            said.append((call, f"`{name}` is taken as any function of one argument; did you mean `{near}`?"))
    return said
