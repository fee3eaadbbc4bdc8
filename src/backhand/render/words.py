"""Plain words for LaTeX: what has a command of its own, letters of other alphabets, words inside maths."""

from __future__ import annotations

from ..notation.names import latex_name

_TEXT = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%",
    "_": "\\_", "^": "\\^{}", "~": "\\textasciitilde{}", "<": "\\textless{}", ">": "\\textgreater{}",
    "|": "\\textbar{}", "…": "\\ldots{}", "’": "'", "–": "--",
}  # fmt: skip
_MATHS = {
    "−": "-", "½": "\\frac{1}{2}", "·": "\\cdot", "≈": "\\approx", "←": "\\leftarrow", "→": "\\to",
    "⊙": "\\odot", "⊗": "\\otimes", "×": "\\times", "≤": "\\le", "≥": "\\ge", "ᵀ": "^{\\top}", "²": "^2",
    "³": "^3", "⁻": "^{-}", "√": "\\sqrt{}", "∛": "\\sqrt[3]{}",
}  # fmt: skip
LAST_LETTER = 0x180  # up to here T1 has the letters themselves


def words(text: str) -> str:
    """Plain words for running text; what stands between `…` is typewriter."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _words(text)
    return "".join(f"\\texttt{{{_words(p)}}}" if i % 2 else _words(p) for i, p in enumerate(parts))


def _words(text: str) -> str:
    return "".join(f"${sign}$" if (sign := _sign(c)) else _TEXT.get(c, c) for c in text)


def words_in_maths(text: str) -> str:
    """Plain words inside a formula, signs and Greek letters outside of their boxes."""
    out, box = "", ""
    for char in text:
        sign = _sign(char)
        if sign and box:
            out, box = f"{out}\\text{{{box}}}", ""
        if sign:
            out += f"{sign} "
        else:
            box += _TEXT.get(char, char)
    return out + (f"\\text{{{box}}}" if box else "")


def _sign(char: str) -> str:
    """The maths command of a character that is no letter of a text font."""
    if char in _MATHS:
        return _MATHS[char]
    if ord(char) < LAST_LETTER:
        return ""
    command = latex_name(char)
    return "" if "\\text" in command or not command.isascii() else command


def by_number(text: str) -> str:
    """Characters that pdflatex has no letter for, by their number."""
    return "".join(c if ord(c) < LAST_LETTER else f"\\texttt{{U+{ord(c):04X}}}" for c in text)
