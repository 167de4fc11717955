"""`screener pbx`: the Asterisk that screener works with."""

from __future__ import annotations

from pathlib import Path

import click

from screener.cli.door import option, progress, settings_of


@click.group()
def pbx() -> None:
    """The Asterisk that screener works with: your own, or a private one.

    \b
    Examples:
        screener pbx config
        screener pbx install
    """


@pbx.command("config")
@click.option("--secret", is_flag=True, help="Write the ARI secret out instead of its place.")
@option
def pbx_config(file: Path, secret: bool) -> None:
    """Print what your own Asterisk or FreePBX needs so that screener can answer its numbers.

    ARI user, dialplan and phones, each with the file that it goes into. It changes nothing.

    \b
    Example:
        screener pbx config > for-my-asterisk.conf
    """
    from screener.asterisk.pbx import pbx_config as text

    settings = settings_of(file)
    click.echo(text(settings, settings.asterisk.secret if secret else None))


@pbx.command("install")
def pbx_install() -> None:
    """Install a private Asterisk for this user, from the distribution's own packages.

    It needs no root and changes nothing on the machine: it goes into the user's cache folder.
    About 100 MB are downloaded, once.

    \b
    Example:
        screener pbx install
    """
    from screener.asterisk.installation import install

    found = install(progress)
    click.echo(f"Asterisk {found.version}: {' '.join(found.command)}")
