"""The connection to a model: one HTTP client that stops at the deadline, and its failures in words people understand.

Imports the HTTP library, so it is imported only where a model is asked. No proxy, no telemetry, no other host than
the endpoint: the client ignores the environment.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable, Iterator
from typing import NamedTuple

import httpx2
import openai

from tools.redaction import redact


class Fault(NamedTuple):
    """A failed call: the reason in a few words, one sentence more, and whether the same call may succeed later."""

    reason: str
    detail: str
    again: bool = False


def fault_of(error: Exception) -> Fault:
    """What the client library raised, in words. Anything it could not make sense of counts as nonsense."""
    match error:
        case openai.APITimeoutError():
            return Fault("timeout", "the model did not answer in time")
        case openai.APIConnectionError():
            return Fault("unreachable", _sentence(error), again=True)
        case openai.APIStatusError():
            code = error.status_code
            return Fault(f"http {code}", _sentence(error), again=code == 429 or code >= 500)
        case openai.ContentFilterFinishReasonError():
            return Fault("refused", "the endpoint's content filter stopped the answer")
        case openai.LengthFinishReasonError():
            return Fault("nonsense", "the answer was cut at its longest length")
        case _:
            return Fault("nonsense", f"the answer could not be read ({type(error).__name__})")


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

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, unless the time is up."""
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


class _Timed(httpx2.SyncByteStream):
    """An answer's bytes, until the time is up."""

    def __init__(self, inner: httpx2.SyncByteStream, seconds_left: Callable[[], float]) -> None:
        self._inner = inner
        self._seconds_left = seconds_left

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            if self._seconds_left() <= 0:
                raise httpx2.ReadTimeout("the time is up")
            yield piece

    def close(self) -> None:
        """Let go of the connection."""
        self._inner.close()


def _sentence(error: openai.APIError) -> str:
    return " ".join(redact(error.message).split())[:200]
