"""What holds for every request: a bound on its size, and headers that tell browsers to be careful."""

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import SECURITY_HEADERS, Problem, respond

# Bodies are read before the key is looked at, so they are not much larger than they have to be: one call of 20,000
# characters, each escaped as a surrogate pair, in 400 turns – and a batch.
MAX_BODY = 2**21
MAX_BODIES = {"/v1/classify/batch": 16 * 2**20}


class BodyLimit:
    """ASGI middleware: a body over `MAX_BODY` bytes – on some paths, over `MAX_BODIES` – ends with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts while the body is read."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = MAX_BODIES.get(scope["path"], MAX_BODY)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await respond(Problem(413, f"at most {limit} bytes"))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413)  # the one kind FastAPI lets through while it reads a body
            return message

        await self.app(scope, counted, send)


class SecurityHeaders:
    """ASGI middleware: adds `SECURITY_HEADERS` to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watches for the start of the response."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self.app(scope, receive, marked)
