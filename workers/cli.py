"""The ``billhook`` command. Exit status: 0 done, 1 refused or failed, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from domain.errors import BillhookError, Misconfigured, Refused, StoreUnavailable
from workers.commands import loaded
from workers.proxies import spare_this_host


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    chosen = parser(words[0] if words else None).parse_args(words)
    spare_this_host()
    try:
        return int(chosen.run(chosen) or 0)
    except Misconfigured as error:
        return _fail(f"cannot start: {error}")
    except StoreUnavailable as error:
        return _fail(f"the database is unavailable: {error}")
    except (Refused, BillhookError) as error:
        return _fail(f"refused: {error}")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away (``| head``).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """The command line as argparse sees it: of one command, or the whole."""
    top = argparse.ArgumentParser(
        prog="billhook", description="A webhook-driven payment event processor."
    )
    top.add_argument("--version", action="version", version=f"billhook {version('billhook')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in loaded(command):
        module.add_to(commands)
    return top


def _fail(message: str) -> int:
    print(f"billhook: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
