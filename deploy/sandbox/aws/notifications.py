"""Telling the bot that an alarm changed, as AWS would: a signed SNS message, or an EventBridge event.

moto emits neither. The key is made at start and thrown away with the process; its certificate is offered on loopback,
which the bot believes only under its development switch.
"""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.alerts.sns import string_to_sign
from tools.values import JsonValue, Value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

REGION_NAMES = {"eu-west-1": "EU (Ireland)", "us-east-1": "US East (N. Virginia)"}
"""What SNS calls a region in an alarm's message: a name for people, not the code."""


class Change(Value):
    """An alarm went from one state to another."""

    name: str
    arn: str
    region: str
    account: str
    description: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str
    threshold: float
    before: str
    after: str
    reason: str
    since: datetime
    at: datetime


class Signer:
    """A throw-away signing key with its self-signed certificate."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import rsa

        self._key: RSAPrivateKey = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.path = f"/SimpleNotificationService-{uuid.uuid4().hex}.pem"

    def certificate(self) -> bytes:
        """The certificate, PEM."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import NameOID

        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    def signed(self, message: dict[str, str], url: str) -> dict[str, str]:
        """The envelope with SignatureVersion 2 (SHA256)."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        signature = self._key.sign(string_to_sign(message), padding.PKCS1v15(), hashes.SHA256())
        return {
            **message,
            "SignatureVersion": "2",
            "SigningCertURL": f"{url}{self.path}",
            "Signature": base64.b64encode(signature).decode(),
        }


def sns_notification(change: Change, topic: str) -> dict[str, str]:
    """The envelope SNS sends for an alarm, not yet signed."""
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": topic,
        "Subject": f'{change.after}: "{change.name}" in {REGION_NAMES.get(change.region, change.region)}',
        "Message": json.dumps(_alarm_message(change, topic)),
        "Timestamp": _zulu(change.at),
    }


def sns_confirmation(topic: str, token: str, url: str, at: datetime) -> dict[str, str]:
    """What SNS sends first to a new HTTP subscription, not yet signed."""
    return {
        "Type": "SubscriptionConfirmation",
        "MessageId": str(uuid.uuid4()),
        "Token": token,
        "TopicArn": topic,
        "Message": f"You have chosen to subscribe to the topic {topic}.",
        "SubscribeURL": f"{url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
        "Timestamp": _zulu(at),
    }


def eventbridge_event(change: Change) -> dict[str, JsonValue]:
    """The event EventBridge delivers for an alarm."""
    metric: dict[str, JsonValue] = {
        "dimensions": dict(change.dimensions),
        "name": change.metric,
        "namespace": change.namespace,
    }
    stat: dict[str, JsonValue] = {"metric": metric, "period": 60, "stat": change.statistic}
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": change.account,
        "time": f"{change.at:%Y-%m-%dT%H:%M:%SZ}",
        "region": change.region,
        "resources": [change.arn],
        "detail": {
            "alarmName": change.name,
            "configuration": {
                "description": change.description,
                "metrics": [{"id": str(uuid.uuid4()), "metricStat": stat, "returnData": True}],
            },
            "previousState": {"timestamp": _offset(change.since), "value": change.before},
            "state": {"reason": change.reason, "timestamp": _offset(change.at), "value": change.after},
        },
    }


def _alarm_message(change: Change, topic: str) -> dict[str, JsonValue]:
    dimensions: list[JsonValue] = [{"name": name, "value": value} for name, value in change.dimensions.items()]
    return {
        "AlarmName": change.name,
        "AlarmDescription": change.description,
        "AWSAccountId": change.account,
        "NewStateValue": change.after,
        "NewStateReason": change.reason,
        "StateChangeTime": _offset(change.at),
        "Region": REGION_NAMES.get(change.region, change.region),
        "AlarmArn": change.arn,
        "OldStateValue": change.before,
        "OKActions": [topic],
        "AlarmActions": [topic],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": change.metric,
            "Namespace": change.namespace,
            "StatisticType": "Statistic",
            "Statistic": change.statistic.upper(),
            "Unit": None,
            "Dimensions": dimensions,
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": change.threshold,
            "TreatMissingData": "missing",
            "EvaluateLowSampleCountPercentile": "",
        },
    }


def _offset(at: datetime) -> str:
    """CloudWatch writes the offset without a colon."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def _zulu(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
