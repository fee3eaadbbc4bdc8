"""The names of a sheet while it is built: one spelling, one role and one shape for each."""

from __future__ import annotations

import numpy as np

from ..errors import NameProblem, SheetError
from ..notation.expr import Expr, Ref, Span, rewrite
from ..notation.names import canonical
from ..sheet.model import SheetText
from .graph import Role, Shape


class Symbols:
    """What is known of each name.

    Attributes:
        spelling: canonical to the user's first spelling, which all other tables use.
        spans: where a name is defined.
        values: of constants and parameters.
    """

    def __init__(self, sheet: SheetText) -> None:
        self.sheet = sheet
        self.spelling: dict[str, str] = {}
        self.spans: dict[str, Span] = {}
        self.roles: dict[str, Role] = {}
        self.shapes: dict[str, Shape] = {}
        self.values: dict[str, np.ndarray] = {}
        self.labels: dict[str, str] = {}
        self._own: dict[str, str] = {}

    def error(self, kind: type[SheetError], message: str, span: Span, **more: str | None) -> SheetError:
        return kind(message, place=self.sheet.place(span), **more)

    def own(self, name: str) -> str:
        """The user's first spelling of a name."""
        found = self._own.get(name)
        if found is None:
            found = self._own[name] = self.spelling.setdefault(canonical(name), name)
        return found

    def resolve(self, expr: Expr) -> Expr:
        """Every name in its one spelling."""

        def one(part: Expr) -> Expr | None:
            if type(part) is not Ref:
                return None
            name = self.own(part.name)
            return part if name == part.name else Ref(name, part.index, part.span)

        return rewrite(expr, one)

    def take(self, typed: str, role: Role, span: Span) -> str:
        """Gives a name its role; a second one is an error."""
        name = self.own(typed)
        if name in self.roles:
            raise self.twice(typed, role, span)
        self.roles[name], self.spans[name] = role, span
        return name

    def twice(self, typed: str, role: Role, span: Span) -> SheetError:
        """The error for a second definition."""
        name = self.own(typed)
        first, old = self.sheet.place(self.spans.get(name)), self.roles.get(name)
        hint = "rename one of them"
        if {old, role} == {Role.TARGET, Role.EQUATION}:
            hint = f"call the target or the network's output something else: `target {name}d`"
        elif {old, role} == {Role.INPUT, Role.PARAMETER}:
            hint = f"an input takes its numbers from the data; a fixed number is `const {name} = …`"
        return self.error(
            NameProblem,
            f"`{name}` is defined twice" + (f", `{typed}` is the same name" if typed != name else ""),
            span,
            expected="each name once",
            got=f"a second definition; the first is in line {first.line}" if first else "a second definition",
            hint=hint,
        )
