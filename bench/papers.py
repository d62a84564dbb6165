"""How long one invoice takes to become a PDF, and what a thousand of them cost in memory.

``python -m bench.papers [COUNT]``: one core, after a warm-up; every paper has a number, a buyer and
amounts of its own, so that nothing is answered from a cache.
"""

import statistics
import sys
import time
from pathlib import Path

from domain.papers.einvoice import cii, ubl
from domain.papers.paper import Paper
from domain.papers.pdf import render
from domain.papers.rows import paper_of
from domain.papers.samples import CZECH, sample_invoice

WARM_UP = 20


def resident() -> float:
    """Memory of this process now, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def paper(number: int) -> Paper:
    """A paper unlike the others."""
    buyer = CZECH | {"name": f"Zákazník {number} s.r.o.", "street": f"Dlouhá {number}"}
    credit = 100 * number % 700_000
    row = sample_invoice("cs", "CZK", buyer, unused=number, credit=credit, position=number)
    return paper_of(row)


def main(count: int) -> None:
    """Render, and say what it took."""
    for number in range(WARM_UP):
        render(paper(number))
    papers = [paper(number) for number in range(WARM_UP, WARM_UP + count)]
    before, took = resident(), []
    for each in papers:
        # The time of the processor, all threads together: neighbours do not count, helpers do.
        start = time.process_time()
        render(each)
        took.append(1e3 * (time.process_time() - start))
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    print(f"{count} PDFs: p50 {p50:.1f} ms, p95 {p95:.1f} ms of a core each")
    print(f"memory: {resident() - before:+.1f} MB over {count} PDFs, {resident():.0f} MB in all")
    for name, write in (("CII", cii), ("UBL", ubl)):
        start = time.process_time()
        for each in papers:
            write(each)
        print(f"{name} alone: {1e3 * (time.process_time() - start) / count:.2f} ms each")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
