"""The command `screener`, also as `python -m screener`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command. Ctrl-C while it is still being read in ends it in one line."""
    try:
        from screener.cli import main as command  # noqa: PLC0415 (a second)

        command()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201 (click may not be there yet)
        sys.exit(130)  # as shells have it: 128 and the signal


if __name__ == "__main__":
    main()
