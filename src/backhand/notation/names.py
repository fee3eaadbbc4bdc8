"""Names as people write them: which spellings are one name, and a name in LaTeX."""

from __future__ import annotations

import re
import unicodedata

SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
SUPERSCRIPT_DIGITS = str.maketrans(SUPERSCRIPTS + "⁻", "0123456789-")

# A letter, then letters, digits, `_`, `~`, accents, and groups in braces. Superscript digits are powers, and ½ or ② are
# no letters.
NAME_PATTERN = (
    r"(?![⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉¼-¾\u2150-\u2189\u2460-\u249b\u24ea-\u24ff\u2776-\u2793])[^\W\d]"
    r"(?:(?![⁰¹²³⁴⁵⁶⁷⁸⁹])[\w~\u0300-\u036f\u20d0-\u20ff]|(?<=_)\{[^{}\s\"#;]{1,40}\}|\^\{[^{}\s\"#;]{1,40}\})*"
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
    "Ω": "Omega", "∂": "partial", "ℓ": "ell",
}  # fmt: skip
_ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0307": "dot", "\u20d7": "vec", "\u030c": "check"}
_PIECES = re.compile(r"(?P<base>[^\d_^~(\[]+)(?P<digits>[\d~]*)(?P<rest>.*)", re.DOTALL)


def _latex_letters(text: str) -> str:
    """A run of letters: one is itself, several stand upright together, Greek and accents by their commands."""
    out: list[str] = []
    for char in unicodedata.normalize("NFD", text):
        if char in _ACCENTS and out:
            out[-1] = f"\\{_ACCENTS[char]}{{{out[-1]}}}"
        elif unicodedata.combining(char):
            continue
        elif char in _GREEK:
            out.append(f"\\{_GREEK[char]} " if len(text) > 1 else f"\\{_GREEK[char]}")
        elif char == "~":
            out.append("\\sim ")
        elif char in "_%$#&":
            out.append("\\" + char)
        else:
            out.append(char)
    joined = "".join(out)
    return joined.strip() if len(out) == 1 else f"\\mathit{{{joined.strip()}}}"


def _latex_script(text: str) -> str:
    """What stands in a subscript or superscript: digits, commas and signs as they are, words upright."""
    if re.fullmatch(r"[\d,()+\-*. ]*[a-zA-Z]?[\d,()+\-*. ]*", text):
        return text
    parts = re.findall(r"[^\W\d_]+|[^\W_]|.", text)
    return "".join(_latex_letters(p) if p[0].isalpha() else {"~": "\\sim ", "_": "\\_"}.get(p, p) for p in parts)


def latex_name(name: str) -> str:
    """A name in LaTeX: w10 is w_{10}, W1~_1 is W_{1\\sim_{1}}, ŷ is \\hat{y}, z(y) is z(y)."""
    name = canonical(name)
    if name.startswith("z(") and name.endswith(")"):
        return f"z_{{({latex_name(name[2:-1])})}}"
    found = _PIECES.fullmatch(name)
    if not found:
        return f"\\mathrm{{{_latex_script(name)}}}"
    base, digits, rest = _latex_letters(found["base"]), found["digits"].replace("~", "\\sim "), found["rest"]
    sub, sup = digits.strip(), ""
    brace = re.compile(r"_\{([^{}]*)\}|\^\{([^{}]*)\}|\^(\([^()^]*\))|_([^_^]*)|(.)", re.DOTALL)
    for in_sub, in_sup, layer, bare, other in brace.findall(rest):
        if in_sup or layer:
            sup += _latex_script(in_sup or layer)
        elif in_sub or bare:
            inner = _latex_script(in_sub or bare)
            sub = f"{sub}_{{{inner}}}" if sub else inner
        elif other not in "_^":
            sub += _latex_script(other)
    return base + (f"_{{{sub}}}" if sub else "") + (f"^{{{sup}}}" if sup else "")
