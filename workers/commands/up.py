"""What ``billhook up`` does: everything in one process, a story, a summary, and then it stays."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from sqlalchemy import Select, func, select

from domain import clock, operators, tokens
from domain.accounts import Account
from domain.audit import Decider
from domain.effects import Effect
from domain.history import HistoryEntry
from domain.inbox import Event
from domain.invoices import Invoice
from domain.operators import Operator
from domain.orders import Order
from domain.settings import Settings
from domain.subscriptions import Subscription
from workers.embedded import Embedded, kept_secret
from workers.processes import wait_for_signal
from workers.stories.library import SELECTION, STORIES
from workers.stories.stage import Stage

STORY_SPAN = timedelta(days=175)
"""The stories begin that long ago, so that they end about now."""
DEMO_OPERATOR = "demo"


def run(settings: Settings, *, story: bool, sandbox_port: int) -> int:
    """Serve until Ctrl-C; the data under the state directory is continued the next time."""
    console = Console()
    billhook = Embedded(settings, sandbox_port=sandbox_port).start()
    try:
        if story:
            _play(billhook, console)
        _summary(billhook, console)
        _invitation(billhook, console)
        wait_for_signal()
        console.print("Stopping …")
    finally:
        billhook.stop()
    return 0


def _play(billhook: Embedded, console: Console) -> None:
    with billhook.runtime.database.transaction() as session:
        played = session.scalar(select(func.count()).select_from(Account))
    if played:
        console.print("The data of the last run is still here; the story is not told again.")
        return
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %  {task.description}"))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(SELECTION))
        stage = Stage(billhook, lambda _at, line: progress.update(task, description=line))
        clock.travel(clock.now() - STORY_SPAN)
        for name in SELECTION:
            STORIES[name](stage)
            progress.advance(task)
        stage.travel(clock.wall())
        progress.update(task, description="the story is told")
    clock.reset()


def _summary(billhook: Embedded, console: Console) -> None:
    table = Table(title="So far", title_justify="left", box=None, show_header=False)
    counts = {
        "events received": select(func.count()).select_from(Event),
        "accounts active": select(func.count()).where(Account.status == "active"),
        "accounts blocked": select(func.count()).where(Account.status == "blocked"),
        "subscriptions running": select(func.count()).where(
            Subscription.state.in_(("active", "past_due"))
        ),
        "invoices issued": select(func.count()).where(Invoice.kind == "invoice"),
        "renewals failed": happened("renewal_failed"),
        "renewals paid": select(func.count()).where(Order.kind == "renewal", Order.state == "paid"),
        "mails written": select(func.count()).where(
            Effect.kind == "send_mail", Effect.status == "done"
        ),
    }
    with billhook.runtime.database.transaction() as session:
        for name, statement in counts.items():
            table.add_row(name, str(session.scalar(statement)))
    console.print(table)


def _invite_operator(billhook: Embedded, console: Console) -> None:
    """Say where the console is and how to sign in; the first time, somebody is let in.

    Once there is anybody else, or the password was changed, whoever runs this knows how.
    """
    console.print(f"The console is at [bold]{billhook.base_url}/console[/bold]")
    directory = billhook.settings.state_dir
    password = kept_secret(directory, f"{DEMO_OPERATOR}_password", operators.new_password)
    database = billhook.runtime.database
    with database.transaction() as session:
        if not operators.all_operators(session):
            made_by = Decider(actor="cli:up")
            operators.add(session, made_by, DEMO_OPERATOR, "operator", password)
        demo = session.scalar(select(Operator).where(Operator.name == DEMO_OPERATOR))
    if demo and not demo.disabled_at and operators.password_fits(password, demo.password_hash):
        console.print(
            f"Sign in as [bold]{DEMO_OPERATOR}[/bold], password {password}", soft_wrap=True
        )


def happened(kind: str) -> Select[int]:
    """How often something of that kind stands in the accounts' histories."""
    return select(func.count()).where(HistoryEntry.kind == kind)


def _invitation(billhook: Embedded, console: Console) -> None:
    with billhook.runtime.database.transaction() as session:
        made = {role: tokens.create(session, role, "made by up")[1] for role in ("app", "operator")}
    base = billhook.base_url
    console.print(f"\nBillhook serves [bold]{base}[/bold]   API docs: {base}/docs")
    _invite_operator(billhook, console)
    if billhook.sandbox is not None:
        console.print(f"The sandbox is at [bold]{billhook.sandbox.base_url}[/bold]")
    for role, secret in made.items():
        console.print(f"A token for role {role}: {secret}", soft_wrap=True)
    console.print("Ctrl-C stops it; run it again and it continues with the same data.")
