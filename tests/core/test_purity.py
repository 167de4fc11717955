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

# Who may import whom, by the first part under `screener.`; core and errors are everybody's.
LAYERS = {
    "cli": {"*"},
    "service": {"*"},
    "session": {"asterisk", "deeds", "house", "ledger"},
    "summons": {"asterisk", "house"},
    # What a link does is done by promotion, which has the rule files written.
    "web": {"calllog", "config", "links", "promotion"},
    "links": {"replacement", "secret"},
    "promotion": {"config", "rulesfolder"},
    "store": {"calllog", "database"},
    "calllog": {"database"},
    "database": set(),
    "outbox": {"postman", "recording", "spool", "surroundings"},
    "spool": {"recording", "replacement"},
    "postman": {"surroundings"},
    "callback": {"asterisk", "outbox"},
    "recording": set(),
    "prompts": {"config", "tables", "voices", "wording"},
    "wording": {"menus", "starter", "tables", "textfile"},
    "voices": set(),
    "ownvoice": {"voices", "wording"},
    "soundcheck": {"config", "prompts", "recogniser", "replacement"},
    "recogniser": {"config", "engines", "lexicon", "surroundings"},
    "rulebook": {"config", "contacts", "lists", "textfile"},
    "inforce": {"config", "rulebook"},
    "status": {"__version__", "config", "inforce"},
    "lock": set(),
    "campaigns": {"campaignexport", "campaignfile", "campaignrecord", "fingerprint"},
    "campaignexport": {"campaignfile", "campaignrecord", "fingerprint"},
    "campaignfile": {"campaignrecord", "replacement"},
    "campaignrecord": {"fingerprint"},
    "fingerprint": set(),
    "clips": set(),
    "audition": {"clips", "recogniser"},
    "panel": {
        "audition",
        "campaigns",
        "config",
        "prompts",
        "recogniser",
        "starter",
        "surroundings",
    },
    "evaluation": {"audition", "clips", "config", "panel", "surroundings", "textfile"},
    "plot": set(),
    "heardaudio": set(),
    "contacts": {"textfile"},
    "exchange": {"config", "contacts", "replacement", "rulesfolder", "textfile"},
    "textfile": set(),
    "config": {
        "directory",
        "engines",
        "ringgroups",
        "secret",
        "surroundings",
        "tables",
        "textfile",
    },
    "surroundings": {"secret", "tables"},
    "engines": {"surroundings"},
    "directory": {"doors", "engines", "menus", "ringgroups", "tables"},
    "doors": {"engines", "holidays", "menus", "tables"},
    "holidays": {"tables"},
    "menus": {"tables"},
    "ringgroups": {"tables"},
    "donotdisturb": set(),
    "switchboard": {"asterisk", "config", "donotdisturb"},
    "rulesfolder": {"replacement", "textfile"},
    "replacement": set(),
    "settingsfile": {"replacement", "surroundings", "textfile"},
    "catalogue": set(),
    "download": set(),
    "unpacking": set(),
    "models": {
        *("catalogue", "download", "recogniser", "replacement", "settingsfile", "surroundings"),
        "unpacking",
    },
    "secret": {"tables"},
    "tables": set(),
    "lists": set(),
    "listfile": {"lists", "replacement"},
    "pile": {"listfile"},
    "blocks": set(),
    "entries": {"blocks"},
    "sources": {"entries", "lists"},
    "imports": {"entries", "listfile", "lists", "pile", "sources"},
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
    if part not in LAYERS or "*" in LAYERS[part]:
        return
    for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
        if module.startswith("screener."):
            target = module.split(".")[1]
            allowed = {part, "core", "errors", *LAYERS[part]}
            assert target in allowed, f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_lives_there(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, f"{name_of(path)} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_sql_and_ari_stay_in_their_places(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {module.partition(".")[0] for module in imported(tree)}
    if path.name not in {"store.py", "calllog.py", "database.py"}:
        assert not modules & {"sqlite3", "sqlite_utils"}, name_of(path)
    if path.parent.name not in {"asterisk", "web"}:
        assert "aiohttp" not in modules, name_of(path)


def test_only_the_session_catches_everything() -> None:
    broad = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            ):
                broad.append(name_of(path))
    assert broad == ["session.py"]


def test_no_file_is_a_heap() -> None:
    heaps = {"utils", "helpers", "manager", "handler", "common", "misc"}
    assert not [name_of(path) for path in MODULES if path.stem in heaps]
