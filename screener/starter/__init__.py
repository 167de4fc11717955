"""What `screener init` hands out: screener.toml, rules, grammars and sounds.

The folders stand at the top of the source tree, where people look for them; in an installed
package they are inside this one (pyproject.toml maps them). `write` finds either.
"""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from screener.errors import SetupError

FOLDERS = ("rules", "grammars", "sounds")
_HERE = Path(__file__).parent
_TREE = _HERE.parent.parent


def origin(folder: str) -> Path:
    """Where a starter folder is: inside the installed package, or at the top of the source tree."""
    for place in (_HERE / folder, _TREE / folder):
        if place.is_dir():
            return place
    raise SetupError(f"the starter folder {folder} is not in this installation: reinstall screener")


def write(target: Path) -> tuple[Path, ...]:
    """Write a starter configuration into `target` (made if need be); return what was written.

    All of it or nothing: what is no whole copy never has its name. Raises `SetupError` when it
    cannot be, or when anything that would be written is there already.
    """
    written = tuple(target / name for name in ("screener.toml", *FOLDERS, "data"))
    there = [path.name for path in written if path.exists() or path.is_symlink()]
    if there:
        raise SetupError(
            f"{target} holds {', '.join(there)} already, and nothing there is overwritten:"
            " choose another folder, or move them away"
        )
    origins = {folder: origin(folder) for folder in FOLDERS}
    new = not target.exists()
    draft = target / f".init-{token_hex(4)}"
    try:
        draft.mkdir(parents=True)
        for folder, source in origins.items():
            _copy(source, draft / folder)
        (draft / "data").mkdir()
        shutil.copyfile(_HERE / "screener.toml", draft / "screener.toml")
        for path in reversed(written):  # screener.toml last: where it is, all else is
            (draft / path.name).rename(path)
        draft.rmdir()
    except OSError as error:
        _clear(draft, written, new)
        raise SetupError(f"{target}: cannot be written ({error.strerror})") from None
    return written


def _clear(draft: Path, written: Iterable[Path], new: bool) -> None:
    """Take away what was written before something failed; a folder that is `new`, too."""
    for path in (draft, *written):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    if new:
        with suppress(OSError):  # it may never have been made
            draft.parent.rmdir()


def _copy(source: Path, target: Path) -> None:
    """Copy a folder's files, without the modes of a package that may be read-only."""
    for path in sorted(source.rglob("*")):
        if path.name.startswith((".", "__")) or path.suffix == ".pyc":
            continue
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    target.mkdir(exist_ok=True)
