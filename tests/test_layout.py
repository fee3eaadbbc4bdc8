"""The order of the folders, and other things that hold for every file of the package."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "backhand"
FILES = sorted(PACKAGE.rglob("*.py"))
LOCKS = [ROOT / "requirements" / "run.txt", ROOT / "requirements" / "dev.txt"]

# The way of the data: each imports only from those before it.
# fmt: off
ORDER = [
    "errors", "notation", "sheet", "ops", "network", "engine", "document", "explain", "render", "check",
    "train", "exchange", "scale", "quiz", "studio", "api", "cli",
]
# fmt: on

FORBIDDEN_CALLS = {"eval", "exec", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}


# --- the checkers: from source text to complaints -----------------------------------------------------------


def absolute(name: str, package: list[str]) -> str:
    """`name` in full, as seen from `package`: each dot in front goes one up, the first stays."""
    bare = name.lstrip(".")
    up = len(name) - len(bare)
    return ".".join([*package[: len(package) + 1 - up], bare]) if up else name


def imported(tree: ast.AST, package: list[str]) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported anywhere in a file that lies in `package`."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield node.lineno, alias.name
            case ast.ImportFrom(module=module, names=names, level=level):
                for alias in names:
                    inside = f"{module}." if module else ""
                    yield node.lineno, absolute("." * level + inside + alias.name, package)
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, absolute(name, package)


def order_problems(source: str, path: str) -> list[str]:
    """What the file at `path` (relative to the package) imports against the order of the folders."""
    parts = path.removesuffix(".py").split("/")
    if parts in (["__init__"], ["__main__"]):
        return []
    own = parts[0]
    if own not in ORDER:
        return [f"{path}: '{own}' has no place in the order"]
    problems = []
    for line, name in imported(ast.parse(source), ["backhand", *parts[:-1]]):
        top, _, rest = name.partition(".")
        if top != "backhand":
            continue
        part = rest.partition(".")[0]
        if part not in ORDER:
            problems.append(f"{path}:{line}: imports {name}; import from the folder that has it")
        elif ORDER.index(part) > ORDER.index(own):
            problems.append(f"{path}:{line}: {own} imports {name}, and {part} stands below it")
    return problems


def danger_problems(source: str, path: str) -> list[str]:
    """Where the file at `path` could run text or data as code."""
    tree = ast.parse(source)
    problems = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in FORBIDDEN_CALLS:
                problems.append(f"{path}:{node.lineno}: uses {name}")
            case ast.Attribute(value=ast.Name(id="builtins"), attr=name) if name in FORBIDDEN_CALLS:
                problems.append(f"{path}:{node.lineno}: uses {name}")
            case ast.keyword(arg="allow_pickle", value=value) if getattr(value, "value", None) is not False:
                problems.append(f"{path}:{node.lineno}: allows pickle")
    for line, name in imported(tree, []):
        first, last = name.split(".")[0], name.split(".")[-1]
        if first in FORBIDDEN_MODULES or (first == "builtins" and last in FORBIDDEN_CALLS):
            problems.append(f"{path}:{line}: imports {name}")
    return problems


def lock_problems(text: str) -> list[str]:
    """What a lock holds beside names, versions and hashes."""
    address = re.compile(r"https?:|://|--\S*(index|find)|\s@\s|(^|\s)/")
    problems = [line for line in text.splitlines() if address.search(line)]
    for entry in re.split(r"\n(?=\w)", text.strip()):
        if not re.match(r"[\w.-]+==\S+", entry) or "--hash=sha256:" not in entry:
            problems.append(f"no version or no hash: {entry.splitlines()[0]}")
    return problems


# --- the package --------------------------------------------------------------------------------------------


def every(checker) -> list[str]:
    assert FILES
    return [p for f in FILES for p in checker(f.read_text("utf-8"), f.relative_to(PACKAGE).as_posix())]


def test_folders_import_only_from_those_above():
    assert every(order_problems) == []


def test_nothing_runs_text_or_data_as_code():
    assert every(danger_problems) == []


def test_no_file_is_long():
    assert FILES
    lengths = {f.relative_to(ROOT).as_posix(): len(f.read_text("utf-8").splitlines()) for f in FILES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_hold_versions_and_hashes_alone(lock):
    assert lock_problems(lock.read_text("utf-8")) == []


# --- the checkers see what they are for ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engine/forward.py", "from backhand.ops import table\nfrom ..network.graph import Node"),
        ("engine/forward.py", "from . import tape\nfrom .. import errors, notation"),
        ("engine/forward.py", "import numpy as np\nimport backhand.ops.table"),
        ("engine/__init__.py", "from .forward import forward\nfrom ..errors import BackhandError"),
        ("engine/deep/er.py", "from ..forward import forward\nfrom ...ops import table"),
        ("api.py", "from .quiz import make\nfrom . import studio"),
        ("__init__.py", "from .api import read\nimport backhand.cli.main"),
        ("__main__.py", "from backhand.cli.main import main"),
        ("ops/table.py", "import backhander"),
    ],
)
def test_right_order_passes(path, source):
    assert order_problems(source, path) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("engine/forward.py", "from ..explain import steps", "stands below"),
        ("engine/forward.py", "from .. import render", "stands below"),
        ("engine/forward.py", "import backhand.cli.main as main", "stands below"),
        ("engine/__init__.py", "from ..document import page", "stands below"),
        ("engine/deep/er.py", "from ...check import marks", "stands below"),
        ("errors.py", "from .notation import names", "stands below"),
        ("sheet/read.py", "def f():\n    from backhand.network import graph", "read.py:2: sheet imports"),
        ("sheet/read.py", "importlib.import_module('backhand.cli')", "stands below"),
        ("sheet/read.py", "import_module('..cli', 'backhand.sheet')", "stands below"),
        ("cli/main.py", "import backhand", "import from the folder"),
        ("cli/main.py", "import backhand as bh", "import from the folder"),
        ("cli/main.py", "from backhand import read", "import from the folder"),
        ("cli/main.py", "from .. import __version__", "import from the folder"),
        ("cli/main.py", "from backhand import *", "import from the folder"),
        ("helpers/text.py", "", "has no place in the order"),
    ],
)
def test_wrong_order_is_caught(path, source, complaint):
    assert complaint in "\n".join(order_problems(source, path))


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "run = exec",
        "__import__('os')",
        "import builtins\nbuiltins.eval('1')",
        "from builtins import eval as work_out",
        "import pickle",
        "def f():\n    from pickle import loads",
        "np.load(file, allow_pickle=True)",
    ],
)
def test_danger_is_caught(source):
    assert danger_problems(source, "a.py")


def test_harmless_names_pass():
    assert danger_problems("model.eval()\nre.compile('a')\nnp.load(f, allow_pickle=False)", "a.py") == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "--extra-index-url internal",
        "--find-links wheels",
        "click @ file:///somewhere/click.whl --hash=sha256:00",
        "    # from /somewhere/requirements.txt",
        "click>=8.1",
    ],
)
def test_addresses_and_unpinned_lines_in_a_lock_are_caught(line):
    assert lock_problems(f"lark==1.3.1 \\\n    --hash=sha256:00\n{line}\n")
