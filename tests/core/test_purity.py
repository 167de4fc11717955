"""The house stands: core is pure, imports point one way, SQL and ARI stay where they belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "screener"
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").rglob("*.py"))

# What core may import: itself, what computes without looking at the world (of sys, the byte order),
# and libraries that do the same (audioop, numpy: the arithmetic of the caller's audio).
PURE = frozenset(
    {
        "__future__",
        "abc",
        "array",
        "audioop",
        "base64",
        "bisect",
        "collections",
        "contextlib",
        "csv",
        "dataclasses",
        "datetime",
        "difflib",
        "email",
        "enum",
        "fnmatch",
        "functools",
        "hashlib",
        "heapq",
        "html",
        "itertools",
        "json",
        "math",
        "numpy",
        "operator",
        "phonenumbers",
        "re",
        "re2",
        "string",
        "struct",
        "sys",
        "textwrap",
        "types",
        "typing",
        "unicodedata",
        "webrtcvad",
        "zoneinfo",
    }
)
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__"})
CLOCK = frozenset({"now", "today", "utcnow", "time", "monotonic"})

# What everybody may import: what is pure, the errors, and what stands on nothing of ours.
EVERYBODYS = {
    *("__version__", "core", "errors"),
    *("background", "disk", "replacement", "sideline", "textfile"),
}

# Who else may import whom, by the first part under `screener.`, from the top down.
LAYERS: dict[str, set[str]] = {
    "cli": {"*"},
    "opening": {"*"},
    "service": {
        *("session", "web", "report", "privacy", "calls", "messages", "rules", "asterisk"),
        *("status", "config"),
    },
    "checks": {
        *("messages", "mail", "records", "voice", "rules", "campaigns", "recogniser", "asterisk"),
        "config",
    },
    "session": {"calls", "asterisk"},
    # What a link does is done by rules/promotion.py, which has the rule files written.
    "web": {"mail", "messages", "records", "rules", "campaigns", "sound", "config"},
    "report": {"calls", "messages", "mail", "records", "rules", "config"},
    "privacy": {"calls", "mail", "records", "rules", "sound", "campaigns", "asterisk", "config"},
    "calls": {
        *("messages", "mail", "records", "sound", "voice", "rules", "campaigns", "recogniser"),
        *("asterisk", "config"),
    },
    "rehearsal": {"voice", "recogniser", "campaigns", "settings", "starter", "config"},
    "messages": {"mail", "sound", "asterisk", "config"},
    "mail": {"sound", "settings"},
    "sound": {"recogniser", "settings", "config"},
    "voice": {"recogniser", "settings", "starter", "config"},
    "status": {"rules", "config"},
    "recogniser": {"settings", "config"},
    "rules": {"numberlists", "config"},
    "asterisk": {"settings", "config"},
    "config": {"settings"},
    **{part: set() for part in ("settings", "records", "campaigns", "numberlists", "starter")},
    **{part: set() for part in ("lock", "logs", *EVERYBODYS)},
}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they point"
            yield node.module or ""
            if node.module == "screener":
                yield from (f"screener.{name.name}" for name in node.names)


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_imports_only_what_is_pure(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for module in imported(tree):
        if module.startswith("screener"):
            assert module.startswith("screener.core"), f"{path.name} imports {module}"
        else:
            assert module.partition(".")[0] in PURE, f"{path.name} imports {module}"


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_looks_at_no_clock_and_no_file(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS, f"{path.name}:{node.lineno}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else node.value.id
            asks = owner in {"datetime", "date", "time"} and node.attr in CLOCK
            assert not asks, f"{path.name}:{node.lineno}: {owner}.{node.attr}"
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if part in {"__init__", "__main__"} or "*" in LAYERS[part]:
        return
    everybodys = EVERYBODYS if part not in EVERYBODYS else {"errors"}
    for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
        if module.startswith("screener."):
            target = module.split(".")[1]
            assert target in {part, *LAYERS[part], *everybodys}, f"{name_of(path)}: {module}"


def test_nobody_may_import_what_he_does_not() -> None:
    used: dict[str, set[str]] = {part: set() for part in LAYERS}
    for path in MODULES:
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
            if module.startswith("screener."):
                used.setdefault(part, set()).add(module.split(".")[1])
    unused = {part: LAYERS[part] - {"*"} - used[part] for part in LAYERS}
    assert not {part: targets for part, targets in unused.items() if targets}


def test_no_way_down_through_the_layers_leads_up_again() -> None:
    for part in LAYERS:
        below, ahead = set[str](), [part]
        while ahead:
            for target in LAYERS[ahead.pop()] - {"*"} - below:
                below.add(target)
                ahead.append(target)
        assert part not in below, f"{part} is below itself: {sorted(below)}"


def test_no_modules_import_one_another_in_a_circle() -> None:
    left = {module_name(path): set(modules_imported(path)) for path in MODULES}
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    assert not left, f"in circles: {sorted(left)}"


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


NAMES = {module_name(path) for path in MODULES}


def modules_imported(path: Path) -> Iterator[str]:
    """Our own modules that are needed before this one can be used."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            within = [f"{node.module}.{name.name}" for name in node.names]
            yield from (name if name in NAMES else node.module for name in within)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_lives_there(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{name_of(path)} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_sql_and_ari_stay_in_their_places(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {module.partition(".")[0] for module in imported(tree)}
    if path.parent.name != "records":
        assert not modules & {"sqlite3", "sqlite_utils"}, name_of(path)
    if path.parent.name not in {"asterisk", "web"}:
        assert "aiohttp" not in modules, name_of(path)


# Who catches what nobody has thought of: a call that fails so goes to the phones, work beside the
# calls begins again, and what fails in a thread is told to whoever awaits it.
CATCH_EVERYTHING = ["background.py", "session.py", "sideline.py"]


def caught(tree: ast.AST) -> Iterator[str]:
    """The names of what is caught, once for each place, but for what is raised again."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        match node.body[-1]:
            case ast.Raise(exc=None):
                continue
        yield from (
            {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
            if node.type is not None
            else {"BaseException"}
        )


def test_few_catch_everything() -> None:
    everything = {"Exception", "BaseException"}
    broad = [
        name_of(path)
        for path in MODULES
        for name in caught(ast.parse(path.read_text(encoding="utf-8")))
        if name in everything
    ]
    assert broad == CATCH_EVERYTHING


@pytest.mark.parametrize(
    ("handler", "names"),
    [
        ("except:\n  pass", {"BaseException"}),
        ("except (OSError, Exception):\n  pass", {"OSError", "Exception"}),
        ("except BaseException as error:\n  raise OSError from error", {"BaseException"}),
        ("except BaseException:\n  close()\n  raise", set[str]()),
    ],
)
def test_what_is_not_raised_again_is_caught(handler: str, names: set[str]) -> None:
    assert {*caught(ast.parse(f"try:\n  pass\n{handler}"))} == names


def test_no_file_is_a_heap() -> None:
    heaps = {"utils", "helpers", "manager", "handler", "common", "misc"}
    assert not [name_of(path) for path in MODULES if path.stem in heaps]
