"""Names as people write them: which spellings are one name, and a name in LaTeX."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
SUPERSCRIPT_DIGITS = str.maketrans(SUPERSCRIPTS + "⁻", "0123456789-")

# A letter, then letters, digits, `_`, `~`, accents, and groups in braces.
# Superscript digits are powers, and ½ or ② are no letters.
NAME_PATTERN = (
    r"(?![⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉¼-¾\u2150-\u2189\u2460-\u249b\u24ea-\u24ff\u2776-\u2793])[^\W\d]"
    r"(?:(?![⁰¹²³⁴⁵⁶⁷⁸⁹])[\w~\u0300-\u036f\u20d0-\u20ff]|(?<=_)\{[^{}\s\"\x23;]{1,40}\}|\^\{[^{}\s\"\x23;]{1,40}\})"
    r"{0,300}"  # longer ones are refused: see sheet/tokens.py
)
_NAME = re.compile(NAME_PATTERN)
_PREACTIVATION_BASE = re.compile(r"a(\d*|_.*|\^\{.*)", re.DOTALL)


def canonical(name: str) -> str:
    """The one spelling behind several: NFC, and `z₁` is `z1`."""
    return unicodedata.normalize("NFC", name).translate(SUBSCRIPTS)


def is_name(text: str) -> bool:
    """Whether the whole text is one name."""
    return _NAME.fullmatch(text) is not None


def preactivation_name(name: str) -> str:
    """What the z of a neuron is called: a1 gives z1, a_{1}^{(2)} gives z_{1}^{(2)}, y gives z(y)."""
    if _PREACTIVATION_BASE.fullmatch(canonical(name)):
        return "z" + name[1:]
    return f"z({name})"


_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi",
    "Ω": "Omega", "Ξ": "Xi", "Υ": "Upsilon", "ι": "iota", "υ": "upsilon", "ϕ": "phi", "ϵ": "epsilon",
    "ϑ": "vartheta", "∂": "partial", "∇": "nabla", "ℓ": "ell",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar",
    "\u0306": "breve", "\u0307": "dot", "\u0308": "ddot", "\u030a": "mathring", "\u030c": "check",
    "\u20d7": "vec",
}  # fmt: skip
_MARKS = "[\u0300-\u036f\u20d0-\u20ff]*"
_LETTER = re.compile(rf".{_MARKS}", re.DOTALL)
_WORD = re.compile(rf"\\(?:{'|'.join(_GREEK.values())})(?![a-zA-Z])|(?:[^\W\d_]{_MARKS})+|.", re.DOTALL)
_PIECES = re.compile(r"(?P<base>[^\d_^~(\[]+)(?P<digits>[\d~]*)(?P<rest>.*)", re.DOTALL)


def _latex_letter(letter: str) -> str:
    """One letter with its accents: Greek and accents by their commands, other alphabets as text."""
    out = _GREEK.get(letter[0], letter[0])
    if len(out) > 1:
        out = f"\\{out}"
    elif not out.isascii() or any(mark not in _ACCENTS for mark in letter[1:]):
        return f"\\text{{{unicodedata.normalize('NFC', letter)}}}"
    for mark in letter[1:]:
        out = f"\\{_ACCENTS[mark]}{{{out}}}"
    return out


def _latex_letters(text: str) -> str:
    """A run of letters: one is itself, several stand together."""
    letters = [_latex_letter(found) for found in _LETTER.findall(unicodedata.normalize("NFD", text))]
    if len(letters) == 1:
        return letters[0]
    # a command that ends in a letter is kept apart from what follows
    joined = "".join(f"{x} " if re.search(r"\\[a-zA-Z]+$", x) else x for x in letters)
    return f"\\mathit{{{joined.strip()}}}"


def _latex_script(text: str) -> str:
    """What stands in a subscript or superscript: digits, commas and signs as they are, words together."""
    if re.fullmatch(r"[\d,()+\-*. ]*[a-zA-Z]?[\d,()+\-*. ]*", text):
        return text
    signs = {"~": "\\sim ", "\\": "\\backslash ", "^": "\\hat{}"} | {c: f"\\{c}" for c in "_%$#&"}
    out = []
    for part in _WORD.findall(unicodedata.normalize("NFD", text)):
        if part[0].isalpha():
            out.append(_latex_letters(part))
        elif len(part) > 1:  # \alpha was typed as LaTeX
            out.append(f"{part} ")
        else:
            out.append(signs.get(part) or (part if part.isascii() else f"\\text{{{part}}}"))
    return "".join(out)


@lru_cache(maxsize=4096)
def latex_name(name: str) -> str:
    """A name in LaTeX: w10 is w_{10}, W1~_1 is W_{1\\sim_{1}}, ŷ is \\hat{y}, z(y) is z_{(y)}."""
    name = canonical(name)
    if found := re.fullmatch(r"([^()\[\]^]+)\((.+?)(\[[\d,]+\])?\)", name):  # the z of y, the m̂ of W1[2,1]
        return f"{latex_name(found[1])}_{{({latex_name(found[2])}{found[3] or ''})}}"
    found = _PIECES.fullmatch(name)
    if not found:
        return f"\\mathrm{{{_latex_script(name)}}}"
    base, digits, rest = _latex_letters(found["base"]), found["digits"].replace("~", "\\sim "), found["rest"]
    subs, sup = [digits.strip()], ""
    brace = re.compile(r"_\{([^{}]*)\}|\^\{([^{}]*)\}|\^(\([^()^]*\))|_([^_^]*)|(.)", re.DOTALL)
    for in_sub, in_sup, layer, bare, other in brace.findall(rest):
        if in_sup or layer:
            sup += _latex_script(in_sup or layer)
        elif in_sub or bare:
            subs.append(_latex_script(in_sub or bare))
        elif other not in "_^":
            subs[-1] += _latex_script(other)
    sub = ""
    for part in reversed([s for s in subs if s]):  # x_a_b: the b is below the a
        sub = part + (f"_{{{sub}}}" if sub else "")
    return base + (f"_{{{sub}}}" if sub else "") + (f"^{{{sup}}}" if sup else "")
