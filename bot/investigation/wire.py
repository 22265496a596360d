"""The connection to a model: one HTTP client that stops at the deadline and knows how to put things to an endpoint that
is not quite like the others (`quirks`). What its failures mean is in `faults`.

Imports the HTTP library, so it is imported only where a model is asked. No proxy, no telemetry, no other host than
the endpoint: the client ignores the environment.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable, Iterator

import httpx2

from bot.investigation.quirks import Manners

MOST_BYTES = 4 * 1024 * 1024
"""Of one answer; a longer one is none."""
TOO_LONG = "the answer did not end"


def http_client(seconds_left: Callable[[], float], silence: float) -> httpx2.Client:
    """A client no call of which outlives the deadline by more than one silence."""
    return httpx2.Client(transport=_Punctual(seconds_left, silence), trust_env=False)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Whom we believe to be who they say. Reading every certificate takes longer than a call, so it is done once."""
    return httpx2.create_ssl_context(trust_env=False)


class _Punctual(httpx2.BaseTransport):
    """Gives every request the time that is left, and looks at the clock at every piece of an answer.

    A read timeout alone counts silence: an endpoint that sends one byte now and then would hold us for ever.
    """

    def __init__(self, seconds_left: Callable[[], float], silence: float) -> None:
        self._inner = httpx2.HTTPTransport(verify=_trusted(), trust_env=False)
        self._seconds_left = seconds_left
        self._silence = silence
        self._manners = Manners()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request as the endpoint wants it put, unless the time is up."""
        asked = request.read()
        response = self._send(_with(request, self._manners.put(asked)))
        while response.status_code >= 400 and self._manners.learn(response.status_code, _told(response)):
            response = self._send(_with(request, self._manners.put(asked)))
        return response

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        left = min(self._silence, self._seconds_left())
        if left <= 0:
            raise httpx2.ReadTimeout("the time is up", request=request)
        request.extensions = {**request.extensions, "timeout": httpx2.Timeout(left).as_dict()}
        response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Timed(response.stream, self._seconds_left)
        return response

    def close(self) -> None:
        """Close every connection."""
        self._inner.close()


def _with(request: httpx2.Request, content: bytes) -> httpx2.Request:
    """The same request with another body."""
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"content-length"]
    return httpx2.Request(request.method, request.url, headers=headers, content=content, extensions=request.extensions)


def _told(response: httpx2.Response) -> str:
    """What a refusal says. Reading it leaves it readable."""
    return response.read()[:20_000].decode(errors="replace")


class _Timed(httpx2.SyncByteStream):
    """An answer's bytes, until the time is up or there are too many."""

    def __init__(self, inner: httpx2.SyncByteStream, seconds_left: Callable[[], float]) -> None:
        self._inner = inner
        self._seconds_left = seconds_left

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._inner:
            size += len(piece)
            if size > MOST_BYTES:
                raise httpx2.DecodingError(TOO_LONG)
            if self._seconds_left() <= 0:
                raise httpx2.ReadTimeout("the time is up")
            yield piece

    def close(self) -> None:
        """Let go of the connection."""
        self._inner.close()
