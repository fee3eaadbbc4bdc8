"""Backhand works neural networks out by hand, checks what people worked out by hand, and shows every number.

import backhand as bh

sheet = bh.read("price.bh")
work = sheet.show()
work.rows[0].values["z3"]
work.why("w5", row=1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "BackhandError",
    "MLPClassifier",
    "MLPRegressor",
    "Sheet",
    "Work",
    "__version__",
    "check_gradients",
    "exercises",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "from_weights",
    "layers",
    "load",
    "read",
    "to_onnx",
    "train_table",
]  # fmt: skip

if TYPE_CHECKING:
    from .api import Sheet, Work, layers, read
    from .api.estimators import MLPClassifier, MLPRegressor
    from .api.exchange import from_onnx, from_sklearn, from_torch, from_weights, to_onnx
    from .api.marking import check_gradients
    from .api.quiz import exercises
    from .api.tables import load, train_table
    from .errors import BackhandError


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext backhand` in a notebook; then `%%backhand` before a sheet shows it worked."""
    from .api.notebook import load

    load(ipython)


def __getattr__(name: str) -> Any:
    """Loads the rest when it is first used, so that importing the package costs nothing."""
    if name == "BackhandError":
        from .errors import BackhandError

        return BackhandError
    if name in ("MLPClassifier", "MLPRegressor"):
        from .api import estimators

        return getattr(estimators, name)
    if name == "check_gradients":
        from .api.marking import check_gradients

        return check_gradients
    if name == "exercises":
        from .api.quiz import exercises

        return exercises
    if name in ("from_onnx", "from_sklearn", "from_torch", "from_weights", "to_onnx"):
        from .api import exchange

        return getattr(exchange, name)
    if name in ("load", "train_table"):
        from .api import tables

        return getattr(tables, name)
    if name in __all__:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module `backhand` has no attribute `{name}`")
