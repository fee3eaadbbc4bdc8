"""Reads formulas: one method for each strength of binding, from sums down to single values."""

from __future__ import annotations

import re
import unicodedata

from ..errors import Place, SyntaxProblem
from ..notation.expr import Call, Expr, Num, Ref, Span, nary
from ..notation.names import SUPERSCRIPT_DIGITS
from .tokens import Token
from .wording import FORMS, OPERAND, OPERATOR, misplaced, shorten

DEEPEST = 40  # operations inside operations, in one formula: their derivatives are to be read
FARTHEST = 100  # brackets and exponents inside one another
_POWER_OF_LAYER = re.compile(r"_(\w+|\{[^{}]*\})$")

# What the tree and its printers call their own. A sheet may use these words for functions of its own.
OPERATIONS = frozenset(
    {
        "add", "neg", "mul", "hadamard", "div", "pow", "gt", "ge", "lt", "le", "cases", "matmul", "outer",
        "transpose", "stack", "total", "entry", "rowsum", "rowmean", "logsumexp", "huber_of", "normal_cdf",
        "print", "part", "call", "cut", "product", "terms", "factors", "limit", "has_exponent",
    }
)  # fmt: skip


def composed(name: str) -> str:
    """A name in NFC."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


class FormulaReader:
    """Walks over the tokens of one statement.

    Args:
        tokens: with an `end` token last.
        text, source: the whole sheet and its name, for errors.
        word: the statement word that came first, "" for an equation.
    """

    def __init__(self, tokens: list[Token], text: str, source: str, word: str = "") -> None:
        self.tokens, self.text, self.source, self.word = tokens, text, source, word
        self.at = 0
        self.depth = 0
        self.warnings: list[tuple[int, str]] = []

    # tokens -----------------------------------------------------------------------------------------------

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def skip(self, kind: str) -> bool:
        """Takes the next token if it is of this kind."""
        if self.tokens[self.at].kind != kind:
            return False
        self.at += 1
        return True

    def expect(self, kind: str, expected: str) -> Token:
        """The next token, which must be of this kind."""
        if self.tokens[self.at].kind != kind:
            raise self.misplaced(expected)
        return self.take()

    def misplaced(self, expected: str) -> SyntaxProblem:
        """The error for the next token, which stands where it should not."""
        return misplaced(self.tokens, self.at, expected, self.word, self.text, self.source)

    def place(self, start: int, end: int | None = None) -> Place:
        return Place.of(self.source, self.text, start, end)

    def name(self, expected: str = "a name") -> tuple[str, tuple[int, int]]:
        """A name, in NFC, and where it stands."""
        token = self.expect("name", expected)
        return composed(token.text), (token.start, token.end)

    def whole(self, expected: str, least: int = 1, most: int = 999_999_999, hint: str | None = None) -> int:
        """A whole number within bounds."""
        token = self.next
        if token.kind != "number" or not re.fullmatch(r"[0-9]+", token.text):
            raise self.misplaced(expected)
        self.take()
        digits = token.text.lstrip("0") or "0"
        number = int(digits) if len(digits) < 19 else most + 1
        if not least <= number <= most:
            raise SyntaxProblem(
                f"{shorten(digits, 30)} is too {'small' if number < least else 'large'} here",
                place=self.place(token.start, token.end),
                expected=f"{expected}, from {least} to {most:,}",
                got=shorten(digits, 30),
                hint=hint or FORMS.get(self.word),
            )
        return number

    # formulas ---------------------------------------------------------------------------------------------

    def formula(self) -> Expr:
        """A sum: terms with + and - between them."""
        tokens, start = self.tokens, self.next.start
        terms = [self.term()]
        while (sign := tokens[self.at].kind) == "+" or sign == "-":
            self.at += 1
            term = self.term()
            terms.append(_negative(term, term.span) if sign == "-" else term)
        if len(terms) == 1:
            return terms[0]
        return self.checked(nary("add", terms, (start, tokens[self.at - 1].end)))

    def term(self) -> Expr:
        """A product, with the signs before it: -x·y is -(x·y), as on paper."""
        start = self.next.start
        minus = self.signs()
        term = self.product()
        return self.signed(term, minus, start) if minus else term

    def signs(self) -> int:
        """How many minus signs stand here."""
        minus = 0
        while (kind := self.tokens[self.at].kind) == "-" or kind == "+":
            minus += kind == "-"
            self.at += 1
            if minus > DEEPEST:
                raise self.too_deep(self.tokens[self.at - 1].start)
        return minus

    def signed(self, value: Expr, minus: int, start: int) -> Expr:
        end = self.tokens[self.at - 1].end
        for _ in range(minus):
            value = _negative(value, (start, end))
        return self.checked(value)

    def product(self) -> Expr:
        """Factors with * / and @ between them, from left to right."""
        tokens, start = self.tokens, self.next.start
        first = self.power()
        if tokens[self.at].kind not in ("*", "/", "@"):
            return first
        minus = 0  # of a first factor in brackets: (-x)·y is the same number as -(x·y)
        while type(first) is Call and first.op == "neg":
            first, minus = first.args[0], minus + 1
        if type(first) is Num and first.value < 0:
            first, minus = Num(-first.value, first.span), minus + 1
        factors = [first]
        while (sign := tokens[self.at].kind) in ("*", "/", "@"):
            self.at += 1
            factor = self.factor()
            if sign == "*":
                factors.append(factor)
                continue
            span = (start, tokens[self.at - 1].end)
            built = factors[0] if len(factors) == 1 else nary("mul", factors, span)
            factors = [self.checked(Call("div" if sign == "/" else "matmul", (built, factor), span=span))]
        span = (start, tokens[self.at - 1].end)
        product = factors[0] if len(factors) == 1 else self.checked(nary("mul", factors, span))
        return self.signed(product, minus, start)

    def factor(self) -> Expr:
        """A power, with the signs before it."""
        start = self.next.start
        minus = self.signs()
        value = self.power()
        return self.signed(value, minus, start) if minus else value

    def power(self) -> Expr:
        """A value with what stands above it; `^` binds to the right."""
        tokens, start = self.tokens, self.next.start
        base = self.value()
        if tokens[self.at].kind == "raised":
            digits = self.take()
            exponent = Num(float(digits.text.translate(SUPERSCRIPT_DIGITS)), (digits.start, digits.end))
            base = self.checked(Call("pow", (base, self.finite(exponent)), span=(start, digits.end)))
        if tokens[self.at].kind != "^":
            return base
        self.at += 1
        self.warn_of_layer_power(base)
        self.deeper()
        exponent_expr = self.factor()
        self.depth -= 1
        return self.checked(Call("pow", (base, exponent_expr), span=(start, tokens[self.at - 1].end)))

    def value(self) -> Expr:
        """A number, a name or an entry of it, a function, a list, or a formula in brackets."""
        token = self.tokens[self.at]
        kind = token.kind
        if kind == "name":
            self.at += 1
            after = self.tokens[self.at].kind
            if after == "(":
                return self.call(token)
            name = composed(token.text)
            if after == "[":
                return Ref(name, self.index(), (token.start, self.tokens[self.at - 1].end))
            return Ref(name, (), (token.start, token.end))
        if kind == "number":
            self.at += 1
            return self.finite(Num(float(token.text.replace("−", "-")), (token.start, token.end)))
        if kind == "(":
            self.at += 1
            self.deeper()
            inner = self.formula()
            self.depth -= 1
            self.expect(")", f"{OPERATOR} or `)`")
            return inner
        if kind == "[":
            self.at += 1
            parts = self.arguments("]")
            return self.checked(Call("stack", tuple(parts), span=(token.start, self.tokens[self.at - 1].end)))
        raise self.misplaced(OPERAND)

    def call(self, token: Token) -> Expr:
        """A function of its arguments."""
        shown = composed(token.text)
        own = shown in OPERATIONS or shown.startswith("sum_")
        op = "sigmoid" if shown == "σ" else f"({shown})" if own else shown
        self.at += 1
        args = [] if self.skip(")") else self.arguments(")")
        span = (token.start, self.tokens[self.at - 1].end)
        return self.checked(Call(op, tuple(args), shown=shown if op != shown else "", span=span))

    def arguments(self, close: str) -> list[Expr]:
        """Formulas with commas between them, to the closing bracket."""
        self.deeper()
        parts = [self.formula()]
        while self.skip(","):
            parts.append(self.formula())
        self.expect(close, f"{OPERATOR}, `,` or `{close}`")
        self.depth -= 1
        return parts

    def index(self) -> tuple[int, ...]:
        """`[2,1]`, counted from 1."""
        self.expect("[", "`[`")
        hint = "entries are counted from 1"
        found = [self.whole("the number of an entry", hint=hint)]
        while self.skip(","):
            found.append(self.whole("the number of an entry", hint=hint))
        self.expect("]", "`,` or `]`")
        return tuple(found)

    # limits and warnings ----------------------------------------------------------------------------------

    def finite(self, number: Num) -> Num:
        if abs(number.value) == float("inf") and number.span:
            written = shorten(self.text[slice(*number.span)], 30)
            raise SyntaxProblem(
                f"`{written}` is too large for a number",
                place=self.place(*number.span),
                expected="a number below 1.8e308",
                got=written,
                hint="write a smaller number",
            )
        return number

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > FARTHEST:
            raise self.too_deep(self.tokens[self.at - 1].start)

    def checked(self, expr: Expr) -> Expr:
        if type(expr) is Call and expr.depth > DEEPEST:
            raise self.too_deep(expr.span[0] if expr.span else 0)
        return expr

    def too_deep(self, start: int) -> SyntaxProblem:
        return SyntaxProblem(
            f"more than {DEEPEST} operations are nested in one another",
            place=self.place(start),
            expected=f"at most {DEEPEST}",
            got="more",
            hint="give the inner part a name of its own, on a line of its own",
        )

    def warn_of_layer_power(self, base: Expr) -> None:
        """`w_11^(2)` is a power, and perhaps meant as the name `w_{11}^{(2)}`."""
        following = "".join(t.text for t in self.tokens[self.at : self.at + 3])
        layer = re.fullmatch(r"\(([0-9]+)\)", following)
        if type(base) is not Ref or base.index or not layer:
            return
        if found := _POWER_OF_LAYER.search(base.name):
            meant = f"{base.name[: found.start()]}_{{{found[1].strip('{}')}}}^{{({layer[1]})}}"
            said = f"`{base.name}^({layer[1]})` is a power; one name for a weight of a layer is `{meant}`"
            self.warnings.append((base.span[0] if base.span else 0, said))


def _negative(term: Expr, span: Span) -> Expr:
    """What a term is behind a minus."""
    return Num(-term.value, span) if type(term) is Num else Call("neg", (term,), span=span)
