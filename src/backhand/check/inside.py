"""The process in which someone's own backward pass runs; its words are file, function, sheet, folder, output."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np

from ..errors import BackhandError
from ..network.build import build
from ..sheet.parse import parse
from .called import call, named_gradients


def main(file: str, function: str, sheet: str, folder: str, out: str) -> None:
    sys.path.insert(0, str(Path(file).parent))
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = getattr(module, function, None)
    if found is None:
        raise SystemExit(f"there is no `{function}` in {Path(file).name}")
    problem = build(parse(Path(sheet).read_text("utf-8"), "the sheet"), Path(folder))
    gradients = named_gradients(call(found, problem), problem.network)
    arrays = {f"g{k}": value for k, value in enumerate(gradients.values())}
    np.savez(out, names=np.array(json.dumps(list(gradients))), **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BackhandError as refusal:
        raise SystemExit(refusal.message) from None
