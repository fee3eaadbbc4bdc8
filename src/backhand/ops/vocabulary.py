"""The whole vocabulary, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .arithmetic import ARITHMETIC
from .entry import Op
from .functions import ACTIVATIONS, FUNCTIONS

_ENTRIES = (*ARITHMETIC, *ACTIVATIONS, *FUNCTIONS)
VOCABULARY: Mapping[str, Op] = MappingProxyType({op.name: op for op in _ENTRIES})
LATEX: Mapping[str, str] = MappingProxyType({op.name: op.latex for op in VOCABULARY.values() if op.latex})
FUNCTION_NAMES = tuple(op.name for op in VOCABULARY.values() if op.written)
ACTIVATION_NAMES = tuple(op.name for op in ACTIVATIONS)
