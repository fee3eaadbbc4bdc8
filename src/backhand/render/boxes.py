"""Our LaTeX as a tree of boxes, from which other notations are written: MathML, Typst, the labels of pictures.

The printer in `notation/latex.py` and the lines in `lines.py` use a small part of LaTeX. That part is read here, and
nothing else; a command that is not in it is an error, which the tests look for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\s+|\d+(?:\.\d+)?|.", re.DOTALL)
_SPACES = {"\\,": 1 / 6, "\\;": 5 / 18, "\\ ": 0.25, "\\quad": 1.0, "\\qquad": 2.0}
_SIGNS = {
    "\\cdot": "⋅", "\\odot": "⊙", "\\otimes": "⊗", "\\times": "×", "\\approx": "≈", "\\leftarrow": "←", "\\to": "→",
    "\\le": "≤", "\\ge": "≥", "\\sim": "∼", "\\top": "⊤", "\\cdots": "⋯", "\\vdots": "⋮", "\\partial": "∂",
    "\\nabla": "∇", "\\sum": "∑", "\\backslash": "\\", "\\ldots": "…", "-": "−", "\\mid": "|",
}  # fmt: skip
_LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "epsilon": "ϵ", "zeta": "ζ", "eta": "η",
    "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "varphi": "φ", "phi": "ϕ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
    "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
}  # fmt: skip
_WORDS = ("log", "exp", "tanh", "max", "min")
_BOXED = {
    "\\text": "text",
    "\\mathrm": "upright",
    "\\mathit": "italic",
    "\\operatorname": "upright",
    "\\texttt": "text",
}
_IN_TEXT = {"\\textbackslash": "\\", "\\textasciitilde": "~", "\\textless": "<", "\\textgreater": ">",
            "\\textbar": "|", "\\ldots": "…", "--": "–"}  # fmt: skip
ACCENTS = {
    "grave": "`", "acute": "´", "hat": "^", "tilde": "~", "bar": "¯", "breve": "˘", "dot": "˙", "ddot": "¨",
    "mathring": "˚", "check": "ˇ", "vec": "→",
}  # fmt: skip

_COMBINING = {
    "grave": "\u0300", "acute": "\u0301", "hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "breve": "\u0306",
    "dot": "\u0307", "ddot": "\u0308", "mathring": "\u030a", "check": "\u030c",
}  # fmt: skip


class Box:
    """A formula, or a part of one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sign(Box):
    """What stands by itself.

    Attributes:
        kind: letter (one, slanted), number, sign (an operation, a relation, a bracket), upright (a function's name),
            italic (a name of several letters), text.
    """

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Space(Box):
    """Some em of nothing."""

    em: float


@dataclass(frozen=True, slots=True)
class Row(Box):
    """Boxes side by side."""

    parts: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Scripted(Box):
    """A base with what stands low or high behind it."""

    base: Box
    sub: Box | None
    sup: Box | None


@dataclass(frozen=True, slots=True)
class Fraction(Box):
    top: Box
    bottom: Box


@dataclass(frozen=True, slots=True)
class Root(Box):
    inner: Box
    degree: Box | None


@dataclass(frozen=True, slots=True)
class Accented(Box):
    """A letter under one of ACCENTS."""

    inner: Box
    accent: str


@dataclass(frozen=True, slots=True)
class Fenced(Box):
    """Between brackets as tall as what they hold."""

    left: str
    inner: Box
    right: str


@dataclass(frozen=True, slots=True)
class Lines(Box):
    """Cells in rows: a matrix (in square brackets), or cases (behind one brace)."""

    kind: str
    rows: tuple[tuple[Box, ...], ...]


class UnknownLatex(ValueError):
    """LaTeX that our printers do not write."""


@lru_cache(maxsize=8192)
def boxes(latex: str) -> Box:
    """The formula as a tree.

    Raises:
        UnknownLatex: a command that our printers do not use.
    """
    reader = _Reader(latex)
    found = reader.sequence()
    if reader.at < len(reader.tokens):
        raise UnknownLatex(f"`{reader.tokens[reader.at]}` without its beginning in {latex}")
    return found


class _Reader:
    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        if self.at > len(self.tokens):
            raise UnknownLatex("a formula that ends too soon")
        return str(self.tokens[self.at - 1])

    def skip_space(self) -> None:
        while self.peek().isspace():
            self.at += 1

    def sequence(self, *ends: str) -> Box:
        """Up to one of `ends`, which is left standing, or to the end of the formula."""
        parts: list[Box] = []
        while self.at < len(self.tokens) and self.peek() not in (*ends, "}", "\\right"):
            token = self.next()
            if token.isspace():
                continue
            if token in ("_", "^", "'"):
                parts.append(self.scripted(parts.pop() if parts else Row(()), token))
            else:
                parts.append(self.one(token))
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def scripted(self, base: Box, token: str) -> Box:
        sub: Box | None = None
        sup: Box | None = None
        if isinstance(base, Scripted):
            sub, sup, base = base.sub, base.sup, base.base
        if token == "'":
            found: Box = Sign("′", "sign")
        else:
            found = self.argument()
        if token == "_":
            sub = found if sub is None else Row((sub, found))
        else:
            sup = found if sup is None else Row((sup, found))
        return Scripted(base, sub, sup)

    def argument(self) -> Box:
        self.skip_space()
        token = self.next()
        if token != "{":
            return self.one(token)
        found = self.sequence()
        self.expect("}")
        return found

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise UnknownLatex(f"`{token}` is missing before `{self.tokens[self.at - 1]}`")

    def one(self, token: str) -> Box:
        if token == "{":
            found = self.sequence()
            self.expect("}")
            return found
        if token in _SPACES:
            return Space(_SPACES[token])
        if token in _SIGNS:
            return Sign(_SIGNS[token], "sign")
        if token in _BOXED:
            return Sign(self.plain(), _BOXED[token])
        match token:
            case "\\frac":
                top = self.argument()
                return Fraction(top, self.argument())
            case "\\sqrt":
                return self.root()
            case "\\left":
                left = self.fence()
                inner = self.sequence()
                self.expect("\\right")
                return Fenced(left, inner, self.fence())
            case "\\htmlData":  # of a page, where names light one another
                self.plain()
                return self.argument()
            case "\\begin":
                return self.lines()
            case "\\bigl" | "\\bigr" | "\\Biggl" | "\\Biggr":
                return Sign(self.fence(), "sign")
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return Sign(token, "number")
        return Sign(token, "letter" if token.isalpha() else "sign")

    def command(self, name: str) -> Box:
        if name in _LETTERS:
            return Sign(_LETTERS[name], "letter")
        if name in _WORDS:
            return Sign(name, "upright")
        if name in ACCENTS:
            return Accented(self.argument(), name)
        if len(name) == 1 and not name.isalnum():
            return Sign(name, "sign")
        raise UnknownLatex(f"`\\{name}`")

    def fence(self) -> str:
        token = self.next()
        return {"\\lbrace": "{", "\\{": "{", "\\}": "}"}.get(token, token)

    def root(self) -> Box:
        degree = None
        if self.peek() == "[":
            self.at += 1
            degree = self.sequence("]")
            self.expect("]")
        return Root(self.argument(), degree)

    def plain(self) -> str:
        """The words of \\text{…}, escapes taken away."""
        self.skip_space()
        self.expect("{")
        out, depth, accent = "", 1, ""
        while True:
            token = self.next()
            if token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
                if not depth:
                    return normalize("NFC", out.replace("--", "–"))
            elif token in _IN_TEXT:
                out += _IN_TEXT[token]
            elif token in _BOXED:  # a letter that italics lack: ß
                continue
            elif token.startswith("\\"):
                if token[1:] in _LETTERS:
                    out += _LETTERS[token[1:]]
                elif len(token) == 2 and not token[1].isalnum():
                    out += token[1]
                elif token == "\\sim":
                    out += "~"
                elif token[1:] in ACCENTS:
                    accent = _COMBINING.get(token[1:], "")
                else:
                    raise UnknownLatex(f"`{token}` in words")
            elif token == "$":
                continue
            else:
                out, accent = out + token[:1] + accent + token[1:], ""

    def lines(self) -> Box:
        kind = self.plain()
        if kind not in ("bmatrix", "cases"):
            raise UnknownLatex(f"\\begin{{{kind}}}")
        rows: list[tuple[Box, ...]] = []
        cells: list[Box] = []
        while True:
            cells.append(self.sequence("&", "\\\\", "\\end"))
            token = self.next()
            if token == "&":
                continue
            rows.append(tuple(cells))
            cells = []
            if token == "\\end":
                self.plain()
                return Lines(kind, tuple(rows))
