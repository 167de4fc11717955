"""Finding an Asterisk on this machine, or installing one beside it without being root.

An Asterisk that is already here (18 or newer, with the modules we need) is used as it is. Where
there is none, the distribution's own packages are downloaded by apt, which checks their signatures
with the distribution's keys, and unpacked into the user's cache folder: nothing on the machine is
changed, and no package script is run. Debian 12 and 13 have no asterisk package, so there the
packages come from the next Debian release (`SUITE`), its C library and loader with them.

Sources: apt-get(8), apt.conf(5), sources.list(5), dpkg-deb(1), ld.so(8).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from screener.errors import InstallError

Tell: TypeAlias = Callable[[str], None]
"""Is told what goes on, a short line at a time."""

SUITE = "forky"
OLDEST = 18
PACKAGES = ("asterisk", "asterisk-core-sounds-en-wav")
NEEDED_MODULES = (
    *("chan_pjsip.so", "chan_rtp.so", "app_stasis.so", "app_dial.so", "format_wav.so"),
    *("res_ari_applications.so", "res_ari_asterisk.so", "res_ari_bridges.so"),
    *("res_ari_channels.so", "res_ari_endpoints.so", "res_ari_events.so"),
    *("res_ari_playbacks.so", "res_ari_recordings.so", "res_stasis_answer.so"),
    *("res_stasis_playback.so", "res_stasis_recording.so", "res_stasis_snoop.so"),
    # Asterisk sets a function that it does not have without a word: no call would be held off
    # its deadline, or given back (asterisk/dialplan.py).
    *("func_export.so", "func_timeout.so"),
    # What a call's headers show is read with these, and a call refused.
    *("app_exec.so", "func_base64.so", "func_module.so", "func_strings.so"),
    *("func_dialplan.so", "res_pjsip_header_funcs.so"),
)
TREE = "asterisk-22"
"""The folder in the cache; another name when what is unpacked into it changes."""

# What the packages bring and no Asterisk opens: a third of the tree.
_BALLAST = ("doc", "man", "info", "locale", "perl", "lintian", "bug", "pixmaps")
_PATH = (*os.get_exec_path(), "/usr/sbin", "/usr/local/sbin")
_OWN_ASTERISK = "or point asterisk.url in screener.toml to an Asterisk of your own"


@dataclass(frozen=True, slots=True)
class Installation:
    """An Asterisk that can be run: `command` is what comes before its arguments."""

    command: tuple[str, ...]
    modules: Path
    data: Path
    version: str


def install(tell: Tell, cache: Path | None = None) -> Installation:
    """An Asterisk to run: the machine's, the one installed earlier, or one installed now.

    `cache` is the folder to install into, the user's cache folder unless given. Finding takes
    milliseconds; installing downloads about 100 MB and takes a minute. Raises InstallError, which
    says what to do.
    """
    found = find(cache)
    if found is not None:
        return found
    tree = _tree(cache)
    try:
        tree.parent.mkdir(parents=True, exist_ok=True)
        with _alone(tree, tell):
            found = _in_tree(tree)  # somebody else may have installed it while we waited
            if found is None:
                _download_and_unpack(tree, tell)
                found = _in_tree(tree)
    except OSError as error:
        raise InstallError(
            f"Asterisk cannot be installed into {tree.parent}: {error.strerror}; make room or give"
            " yourself the right to write there, or set XDG_CACHE_HOME to another folder"
        ) from error
    if found is None:
        raise InstallError(f"the Asterisk in {tree} does not run; delete the folder and try again")
    tell(f"Asterisk {found.version} is installed")
    return found


def find(cache: Path | None = None) -> Installation | None:
    """The Asterisk that `install` would return without installing anything, or None."""
    return _on_machine() or _in_tree(_tree(cache))


def _tree(cache: Path | None) -> Path:
    if cache is None:
        # The XDG base directory rules: an empty or relative value counts as not set.
        home = os.environ.get("XDG_CACHE_HOME", "")
        cache = Path(home) if home.startswith("/") else Path.home() / ".cache"
    return cache / "screener" / TREE


@contextlib.contextmanager
def _alone(tree: Path, tell: Tell) -> Iterator[None]:
    """One installs at a time; the others wait. The lock goes with its holder, however he ends."""
    with (tree.parent / f"{tree.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("Another screener is installing Asterisk; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# What is there ------------------------------------------------------------------------------------


def _on_machine() -> Installation | None:
    """The Asterisk that the machine itself has, if it is new enough and has what we need."""
    binary = shutil.which("asterisk", path=os.pathsep.join(_PATH))
    if binary is None:
        return None
    lib = [*Path("/usr/lib").glob("*/asterisk/modules")]
    lib += [Path(p, "asterisk/modules") for p in ("/usr/lib", "/usr/lib64", "/usr/local/lib")]
    data = [Path("/usr/share/asterisk"), Path("/var/lib/asterisk")]
    for modules in filter(Path.is_dir, lib):
        for place in data:
            if (place / "documentation").is_dir():
                return _fit((binary,), modules, place)
    return None


def _in_tree(tree: Path) -> Installation | None:
    """The Asterisk unpacked at `tree`, started by the C library's loader that came with it."""
    for modules in tree.glob("usr/lib/*/asterisk/modules"):
        libraries = modules.parents[1]
        for loader in sorted(libraries.glob("ld-linux*.so.*")):
            binary = tree / "usr/sbin/asterisk"
            command = (str(loader), "--library-path", str(libraries), str(binary))
            return _fit(command, modules, tree / "usr/share/asterisk")
    return None


def _fit(command: tuple[str, ...], modules: Path, data: Path) -> Installation | None:
    """An installation, if it runs, is new enough and has the modules; else None."""
    if not all((modules / module).exists() for module in NEEDED_MODULES):
        return None
    try:
        asked = subprocess.run(
            [*command, "-V"], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return None
    version = re.search(r"(\d+)\.[\w.]+", asked.stdout.decode(errors="replace"))
    if asked.returncode != 0 or version is None or int(version[1]) < OLDEST:
        return None
    return Installation(command, modules, data, version[0])


# Installing ---------------------------------------------------------------------------------------


def _download_and_unpack(tree: Path, tell: Tell) -> None:
    """Put a whole tree at `tree`, or nothing: it is made beside it and renamed at the end."""
    for program in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(program, path=os.pathsep.join(_PATH)) is None:
            raise InstallError(
                f"there is no {program} on this machine, so no Asterisk can be installed: use"
                f" Debian or Ubuntu, install Asterisk {OLDEST} or newer yourself, {_OWN_ASTERISK}"
            )
    for left_over in tree.parent.glob(f".{tree.name}-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{tree.name}-", dir=tree.parent, ignore_cleanup_errors=True
    ) as scratch:
        work = Path(scratch)
        packages = _download(work, tell)
        unpacked = work / "tree"
        _unpack(packages, unpacked, tell)
        if tree.exists():
            shutil.rmtree(tree)  # one that does not run
        unpacked.rename(tree)


def _download(work: Path, tell: Tell) -> Sequence[Path]:
    """Fetch Asterisk's packages and all that they need into `work`."""
    options = _apt_options(work)
    tell("Looking for Asterisk's packages")
    _apt([*options, "update"], tell, "the package lists")
    _apt([*options, "--yes", "--download-only", "install", *PACKAGES], tell, "Asterisk's packages")
    return sorted((work / "archives").glob("*.deb"))


def _apt_options(work: Path) -> list[str]:
    """apt, kept to folders of our own, as if on an empty machine; signatures are checked."""
    for folder in ("state/lists/partial", "archives/partial"):
        (work / folder).mkdir(parents=True)
    status = work / "status"
    status.touch()
    settings = {
        "Dir::State": work / "state",
        "Dir::State::status": status,
        "Dir::Cache": work,
        "Dir::Cache::archives": work / "archives",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",  # we are no root, or our cache folder is not apt's to read
        "APT::Get::List-Cleanup": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::http::Timeout": "30",
        "Acquire::https::Timeout": "30",
        "Debug::NoLocking": "true",
    }
    if not _host_has_asterisk():
        sources = work / "sources.list"
        sources.write_text(_source(), encoding="utf-8")
        settings |= {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "-"}
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _host_has_asterisk() -> bool:
    """Whether this machine's own sources offer an Asterisk that is new enough."""
    offered = _output("apt-cache", "policy", PACKAGES[0])
    candidate = re.search(r"Candidate: (?:\d+:)?(\d+)", offered)
    return candidate is not None and int(candidate[1]) >= OLDEST


def _source() -> str:
    """The one line of sources.list: this machine's Debian mirror, its next release."""
    keyrings = Path("/usr/share/keyrings").glob("debian-archive-keyring.*")
    keyring = next(iter(sorted(keyrings)), None)
    wanted = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)"
    targets = _output(
        "apt-get", "indextargets", "--no-release-info", "--format", wanted, "Created-By: Packages"
    )
    mirror = debian_mirror(targets)
    if keyring is None or mirror is None:
        raise InstallError(
            "the sources of this machine's apt offer no Asterisk and no Debian mirror was found in"
            f" them: install Asterisk {OLDEST} or newer yourself, {_OWN_ASTERISK}"
        )
    # A mirror that stands still may carry a Release file past its date; its signature still counts.
    return f"deb [signed-by={keyring} check-valid-until=no] {mirror} {SUITE} main\n"


def debian_mirror(targets: str) -> str | None:
    """The mirror of Debian's main archive, from `apt-get indextargets`: uri, suite and component
    between tabs. Without an update, which a fresh machine has not had, the path alone tells.
    """
    for line in targets.splitlines():
        uri, suite, component = line.split("\t")
        plain = "-security" not in suite and "-security" not in uri
        if component == "main" and plain and uri.rstrip("/").endswith("/debian"):
            return uri
    return None


def _apt(arguments: Sequence[str], tell: Tell, what: str) -> None:
    """Run apt-get; tell how far it is; an InstallError with its own first complaint."""
    complaints: list[str] = []
    shown = -1
    with subprocess.Popen(
        ["apt-get", "-q", "-o", "APT::Status-Fd=1", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_english(),
    ) as apt:
        for raw in apt.stdout or ():
            line = raw.decode(errors="replace").strip()
            if line.startswith(("E:", "W:", "Err:")):
                complaints.append(line)
            progress = re.match(r"dlstatus:\d+:([\d.]+):", line)
            if progress and int(float(progress[1])) // 10 > shown:
                shown = int(float(progress[1])) // 10
                tell(f"Downloading {what}: {shown * 10} %")
    if apt.returncode != 0:
        raise InstallError(_why(complaints, what))


def _why(complaints: Sequence[str], what: str) -> str:
    """One sentence from what apt complained of."""
    said = "; ".join(complaints)
    if "enough free space" in said or "No space left" in said:
        return f"there is no room to download {what}: free about 700 MB, or set XDG_CACHE_HOME"
    errors = [line for line in complaints if line.startswith("E:")] or list(complaints)
    first = errors[0].partition(":")[2].strip() if errors else "apt-get failed"
    return (
        f"{what} could not be downloaded ({first}): see that `apt-get update` works on this machine"
        f" and try again, {_OWN_ASTERISK}"
    )


def _unpack(packages: Sequence[Path], into: Path, tell: Tell) -> None:
    """Unpack the packages, one after the other, and throw away what nobody opens."""
    into.mkdir()
    for count, package in enumerate(packages, start=1):
        if count == len(packages) or count % 40 == 1:
            tell(f"Unpacking Asterisk: {count * 100 // len(packages)} %")
        dpkg = subprocess.run(
            ["dpkg-deb", "-x", str(package), str(into)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=_english(),
        )
        if dpkg.returncode != 0:
            reason = dpkg.stderr.decode(errors="replace").strip().splitlines() or ["unknown"]
            raise InstallError(
                f"{package.name} could not be unpacked ({reason[-1]}): free about 700 MB in"
                f" {into.parents[1]}, or set XDG_CACHE_HOME to another folder"
            )
        package.unlink()
    for folder in _BALLAST:
        shutil.rmtree(into / "usr/share" / folder, ignore_errors=True)
    _link_sounds(into / "usr/share/asterisk/sounds")


def _link_sounds(sounds: Path) -> None:
    """Make the English recordings "en", as the package's own script would have done."""
    recordings = next(iter(sorted(sounds.glob("en_*"))), None)
    english = sounds / "en"
    if recordings is not None and not english.exists():
        english.symlink_to(recordings.name)


def _output(*command: str) -> str:
    """What a command says; "" where it fails."""
    asked = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=_english()
    )
    return asked.stdout.decode(errors="replace") if asked.returncode == 0 else ""


def _english() -> Mapping[str, str]:
    return {**os.environ, "LC_ALL": "C"}


if __name__ == "__main__":
    # `make setup`: there is no screener.toml yet that could point to another Asterisk.
    try:
        install(lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201 - to a person
    except InstallError as error:
        sys.exit(f"setup: {error}")
