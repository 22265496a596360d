"""Deliveries to the bot's webhook: tried at once, kept and tried again when the bot does not answer, like SNS does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from deploy.sandbox.aws.notifications import Change, Signer, eventbridge_event, sns_notification
from tools.values import JsonValue

Shape = Literal["sns", "eventbridge"]
"""How an alarm reaches the bot."""
SECONDS = 5.0


@dataclass(frozen=True)
class Delivery:
    """One message and how often it was tried; delivered once the webhook answered with a 2xx."""

    body: dict[str, JsonValue]
    headers: dict[str, str]
    url: str | None = None
    """Where it goes, if not to the webhook for everything."""
    tries: int = 0
    delivered: bool = False


class Outbox:
    """Messages for one webhook, in order. Without a URL they wait until one is given."""

    def __init__(self, url: str | None, shape: Shape, headers: Mapping[str, str], signer: Signer, topic: str) -> None:
        self.url = url
        self.shape = shape
        self.headers = dict(headers)
        self.deliveries: list[Delivery] = []
        self.sender = ""
        """The sandbox's own URL, where the signing certificate is."""
        self.events_to: dict[str, str] = {}
        """Alarms told by EventBridge, whatever `shape` says for the others: alarm name -> URL."""
        self._signer = signer
        self._topic = topic

    def tell(self, change: Change) -> None:
        """Queue the news of an alarm."""
        by_event = self.events_to.get(change.name)
        if by_event is not None or self.shape == "eventbridge":
            headers = {"Content-Type": "application/json"}
            self.deliveries.append(Delivery(body=eventbridge_event(change), headers=headers, url=by_event))
        else:
            self.send(sns_notification(change, self._topic))

    def send(self, message: dict[str, str]) -> None:
        """Queue an SNS message, signed, with the headers SNS sends."""
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": message["Type"],
            "x-amz-sns-message-id": message["MessageId"],
            "x-amz-sns-topic-arn": message["TopicArn"],
        }
        body: dict[str, JsonValue] = {**self._signer.signed(message, self.sender)}
        self.deliveries.append(Delivery(body=body, headers=headers))

    def flush(self) -> None:
        """Try everything that is not delivered yet."""
        if self.url is None:
            return
        for n, one in enumerate(self.deliveries):
            if not one.delivered:
                done = self._post(one.url or self.url, one)
                self.deliveries[n] = replace(one, tries=one.tries + 1, delivered=done)

    def _post(self, url: str, one: Delivery) -> bool:
        request = urllib.request.Request(
            url, data=json.dumps(one.body).encode(), headers={**one.headers, **self.headers}, method="POST"
        )
        # Loopback must not go through a proxy of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                accepted: bool = 200 <= answer.status < 300
                return accepted
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False
