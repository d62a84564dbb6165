"""What a fault works on, and how it happens: it strikes, lasts, and is mended."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from tests.chaos.outside import Outside
from tests.chaos.site import HOSTS, KINDS, Name, Site

Strike = Generator[float, None, None]
STOP_S: Final = 20.0
"""Ten seconds are promised; a busy machine takes its time."""
ENDED: Final = 0


class NotInOrder(Exception):
    """A process did not end as it should."""


@dataclass
class Trouble:
    """What a fault may work on. ``seed`` names the run's database."""

    site: Site
    outside: Outside
    dice: random.Random
    seed: str

    def host(self) -> int:
        """One of the hosts."""
        return self.dice.choice(HOSTS)

    def name(self, *kinds: str) -> Name:
        """One of the processes."""
        return self.host(), self.dice.choice(kinds or KINDS)

    def wire(self, *servers: str) -> str:
        """One of the wires."""
        return self.site.wire(self.host(), self.dice.choice(servers or ("postgres", "valkey")))

    def span(self, least: float, most: float) -> float:
        """Some seconds."""
        return self.dice.uniform(least, most)


def strike(fault: Callable[[Trouble], Strike], trouble: Trouble) -> None:
    """Have a fault happen from its beginning to its end."""
    for seconds in fault(trouble):
        time.sleep(seconds)
