"""How much an alert matters and what kind it is: as its source says, and by rule where it says nothing."""

from __future__ import annotations

from bot.alerts import ParsedAlert
from bot.alerts import fields as read
from tools import severity
from tools.evidence import Severity
from tools.severity import Category


def category_of(alert: ParsedAlert) -> Category:
    """What kind of trouble it is: by its name, else its metric, else what its summary says."""
    said = alert.annotations.get("summary") or alert.annotations.get("description") or ""
    return severity.category(alert.name, said, alert.labels.get("metric", ""))


def severity_of(alert: ParsedAlert, category: Category, environment: str) -> Severity:
    """The severity its source gives; by rule where it gives none."""
    if alert.source == "cloudwatch":
        told = read.has_severity_in_name(alert.name)
    else:
        told = read.names_severity(alert.labels.get("severity"))
    return alert.severity if told else min(alert.severity, severity.by_rule(category, environment).severity)
