"""The wire in front of moto: who may do what, what was done, and answers to the few calls moto lacks.

It reads each request once into a `Call` and passes it on untouched. Here are also the faults of a network: an answer
that is lost after the call was carried out, and a call that fails before.
"""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

from tools.values import JsonValue

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PHYSICS = "sandbox-physics"
"""The user agent of the sandbox's own calls, which are the world and not effects on it."""
READER_KEY, WRITER_KEY = "sandbox-reader", "sandbox-writer"
"""Access key ids of the two identities; moto takes any, the wire lets only the second one change things."""
LOOKING = ("Describe", "Get", "List", "Filter", "Lookup", "Simulate", "AssumeRole", "ConfirmSubscription")
SPEAK_JSON = frozenset(
    {"acm", "apigateway", "cloudtrail", "dynamodb", "ecs", "lambda", "logs", "sqs", "ssm", "tagging"}
)
"""Services whose errors are JSON; the others' are XML."""
CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")

Fault = Literal["lose", "fail", "refuse"]
"""What happens to one call: carried out but unanswered, answered with a 500 and not carried out, or not permitted."""


@dataclass(frozen=True)
class Call:
    """One request to AWS, as far as the sandbox cares."""

    service: str
    action: str
    region: str
    identity: str
    agent: str
    parameters: dict[str, JsonValue]

    @property
    def mutating(self) -> bool:
        """Whether the call changes anything."""
        return bool(self.action) and not self.action.startswith(LOOKING)


@dataclass(frozen=True)
class Effect:
    """A mutating call that was carried out, whether or not its answer arrived."""

    at: datetime
    service: str
    action: str
    region: str
    identity: str
    parameters: dict[str, JsonValue]


class Wire:
    """A WSGI app around moto's. `react` is called with every effect; `answers` holds what moto lacks.

    An answer of None passes the call on to moto.
    """

    def __init__(
        self,
        app: WSGIApplication,
        react: Callable[[Effect], None],
        answers: dict[str, Callable[[Call], str | None]],
    ) -> None:
        self._app = app
        self._react = react
        self._answers = answers
        self.pages: dict[str, bytes] = {}
        """Plain documents by path, such as the signing certificate."""
        self.effects: list[Effect] = []
        """Append-only: every mutating call that was carried out, oldest first."""
        self.faults: dict[str, Fault] = {}
        """By action: what happens to the next such call."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        from werkzeug.wrappers import Response

        page = self.pages.get(environ["PATH_INFO"])
        if page is not None:
            return Response(page, mimetype="application/x-pem-file")(environ, start_response)
        call = read_call(environ)
        if PHYSICS in call.agent:
            return self._app(environ, start_response)
        fault = self.faults.pop(call.action, None)
        if fault == "refuse" or (call.mutating and call.identity == READER_KEY):
            return _error(call, 403, "AccessDenied", f"{call.identity} may not {call.service}:{call.action}")(
                environ, start_response
            )
        if fault == "fail":
            return _error(call, 500, "InternalFailure", "the sandbox was asked to fail")(environ, start_response)
        response = self._carry_out(call, environ)
        if fault == "lose":
            _hang_up(environ)
        return response(environ, start_response)

    def _carry_out(self, call: Call, environ: WSGIEnvironment) -> WSGIApplication:
        from werkzeug.wrappers import Response

        own = self._answers[call.action](call) if call.action in self._answers else None
        if own is not None:
            return _answer(own)
        try:
            response = Response.from_app(self._app, environ, buffered=True)
        except NotImplementedError as error:
            return _error(call, 501, "NotImplemented", str(error))
        if call.mutating and response.status_code < 400:
            effect = Effect(datetime.now(UTC), call.service, call.action, call.region, call.identity, call.parameters)
            self.effects.append(effect)
            self._react(effect)
        return response


def read_call(environ: WSGIEnvironment) -> Call:
    """What a request asks for, in any of AWS' protocols; the body is put back for moto to read."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    action, parameters = _asked(environ, body)
    return Call(
        service=signed["service"] if signed else "",
        action=action,
        region=signed["region"] if signed else "",
        identity=signed["key"] if signed else "",
        agent=environ.get("HTTP_USER_AGENT", ""),
        parameters=parameters,
    )


def _asked(environ: WSGIEnvironment, body: bytes) -> tuple[str, dict[str, Any]]:
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return target.rsplit(".", 1)[-1], json.loads(body or b"{}")
    path = environ["PATH_INFO"]
    if "/operation/" in path:
        # CloudWatch speaks CBOR; its parameters are not needed by anyone here.
        return path.rsplit("/", 1)[-1], {}
    form = dict(parse_qsl(body.decode("utf-8", "replace")))
    return form.get("Action", ""), dict(form)


def _answer(body: str) -> WSGIApplication:
    from werkzeug.wrappers import Response

    kind = "text/xml" if body.startswith("<") else "application/x-amz-json-1.1"
    return Response(body, content_type=kind)


def _error(call: Call, status: int, code: str, message: str) -> WSGIApplication:
    """An error as the protocol of the call's service words it: JSON, or XML in the two old ones."""
    from werkzeug.wrappers import Response

    if call.service in SPEAK_JSON:
        said = json.dumps({"__type": code, "message": message})
        return Response(said, status=status, content_type="application/x-amz-json-1.1")
    inner = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    old = f"<Response><Errors>{inner}</Errors><RequestID>sandbox</RequestID></Response>"
    new = f"<ErrorResponse>{inner}<RequestId>sandbox</RequestId></ErrorResponse>"
    return Response(old if call.service == "ec2" else new, status=status, content_type="text/xml")


def _hang_up(environ: WSGIEnvironment) -> None:
    """Close the connection under the caller's feet, after the call was carried out."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("the sandbox was asked to lose this answer")
