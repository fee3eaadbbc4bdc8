"""The fast engine that is at hand."""

from __future__ import annotations

import warnings
from functools import cache

from .compiled import MEND, CompiledNet, library
from .dense import DenseEngine, DensePlan
from .dense_numpy import NumpyNet


def open_engine(
    plan: DensePlan, dtype: str = "float32", threads: int | None = None, instruction_set: str | None = None
) -> DenseEngine:
    """A fast engine for a plan: the compiled one, or NumPy where it was not built (which is said once).

    Args:
        dtype: float32 or float64.
        threads: at most so many; all cores by default.
        instruction_set: one of `compiled.instruction_sets()`.
    """
    if library() is not None:
        return CompiledNet(plan, dtype, threads, instruction_set)
    _say_once()
    return NumpyNet(plan, dtype)


@cache
def _say_once() -> None:
    warnings.warn(
        f"the compiled engine is not here, so training is slower, in NumPy; {MEND}",
        stacklevel=3,
    )
