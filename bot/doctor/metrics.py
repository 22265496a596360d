"""What `sayso doctor` sees of Prometheus and Alertmanager: whether each answers, and is what it should be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.doctor.findings import Ailment, Check, Status, checked, skipped
from bot.settings import Settings


def look(settings: Settings) -> Iterator[Check]:
    """One check each. Asks for a number, the targets, and the silences; never for anything of anybody's."""
    from tools.clients.prometheus import AlertmanagerReader, PrometheusReader
    from tools.reads.alertmanager import asking as alertmanager
    from tools.reads.prometheus import asking as prometheus

    url, token = settings.prometheus_url, settings.prometheus_token

    def measures() -> str:
        reader = PrometheusReader(url or "", token.get_secret_value() if token else None)
        prometheus.instant("1", datetime.now(UTC), reader)
        rules = prometheus.alert_rules(reader)
        if not rules:
            raise Ailment(f"{reader.url} has no alerting rules: alerts are charted by their address", Status.WARNING)
        return f"{len(rules)} alerting rules at {reader.url}"

    def silences() -> str:
        reader = AlertmanagerReader(settings.alertmanager_url or "")
        return f"{len(alertmanager.silences(reader))} silences at {reader.url}"

    if url is None:
        yield skipped("prometheus", "no SAYSO_PROMETHEUS_URL: alerts are investigated without their metrics")
    else:
        fix = "check SAYSO_PROMETHEUS_URL, and SAYSO_PROMETHEUS_TOKEN where it asks for one"
        yield checked("prometheus", fix, measures)
    if settings.alertmanager_url is None:
        yield skipped("alertmanager", "no SAYSO_ALERTMANAGER_URL: silences are not seen")
    else:
        yield checked("alertmanager", "check SAYSO_ALERTMANAGER_URL", silences)
