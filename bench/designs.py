"""What Billhook is compared with: ``python -m bench.designs NAME PORT`` serves one of them.

``naive`` is how such endpoints are usually written: the library's event object, the ORM, a commit
and a message for every request. ``bare`` is the limit of this kind of server: it checks the HMAC
and does nothing else. Both read the secret, the store and the queue from the environment.
"""

import hashlib
import hmac
import os
import sys
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECRET: Final = os.environ.get("STRIPE_WEBHOOK_SECRETS", "")


def naive() -> Starlette:
    """construct_event, an ORM insert and commit, ``actor.send``: each per request."""
    import dramatiq
    import stripe
    from dramatiq.brokers.redis import RedisBroker
    from sqlalchemy import JSON, BigInteger, create_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class Event(Base):
        __tablename__ = "naive_events"
        id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
        event_id: Mapped[str] = mapped_column(unique=True)
        type: Mapped[str]
        payload: Mapped[dict[str, Any]] = mapped_column(JSON)

    engine = create_engine(os.environ["DATABASE_URL"], pool_size=40)
    Base.metadata.create_all(engine)
    broker = RedisBroker(url=os.environ["REDIS_URL"], namespace="naive")  # type: ignore[no-untyped-call]
    dramatiq.set_broker(broker)

    @dramatiq.actor
    def process(_event: int) -> None:
        """Nobody works here: only the sending is measured."""

    def take(payload: bytes, signature: str) -> None:
        event = stripe.Webhook.construct_event(payload, signature, SECRET)
        with Session(engine) as session:
            row = Event(event_id=event.id, type=event.type, payload=event.to_dict())
            session.add(row)
            session.commit()
            process.send(row.id)

    async def webhook(request: Request) -> Response:
        payload = await request.body()
        await run_in_threadpool(take, payload, request.headers["stripe-signature"])
        return JSONResponse({"received": True})

    return Starlette(routes=[Route("/webhooks/stripe", webhook, methods=["POST"])])


class _Bare:
    """A bare ASGI route, of the same kind as Billhook's own."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        header = next(value for name, value in scope["headers"] if name == b"stripe-signature")
        stamp, proof = (part.partition(b"=")[2] for part in header.split(b",")[:2])
        expected = hmac.digest(SECRET.encode(), stamp + b"." + body, hashlib.sha256).hex().encode()
        status, answer = 200, b'{"received":true,"duplicate":false}'
        if not hmac.compare_digest(expected, proof):
            status, answer = 400, b"{}"
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def bare() -> Starlette:
    """The HMAC and nothing else."""
    return Starlette(routes=[Route("/webhooks/{provider}", _Bare())])


DESIGNS: Final[dict[str, Callable[[], Starlette]]] = {"naive": naive, "bare": bare}


def main(name: str, port: int) -> None:
    """Serve as Billhook's own web process does, but for what is its own (``webhooks/answers.py``):
    that makes a bare route a quarter faster, too, and nobody who writes one has it."""
    uvicorn.run(
        DESIGNS[name](),
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
