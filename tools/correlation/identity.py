"""What makes two alerts the same alert: source, name and the labels that say what it is about.

Labels that change while the trouble stays (the pod, the scrape target, the replica, the image) are left out, so that
the next pod's crash loop is known again. The provider's own fingerprint is kept beside it: resolutions go by that one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping

VOLATILE = frozenset(
    {
        *("pod", "pod_name", "exported_pod", "kubernetes_pod_name", "instance", "exported_instance", "replica"),
        *("uid", "container_id", "image", "image_id", "image_tag", "revision", "pod_template_hash", "endpoint"),
        *("prometheus", "prometheus_replica", "__replica__", "host_ip", "pod_ip", "timestamp", "time", "trace_id"),
        *("request_id", "severity", "state", "value", "version", "alertname"),
    }
)
"""Differ from message to message about one alert. `severity` too: a warning that becomes critical is the same alert."""
POD_LABELS = ("pod", "pod_name", "exported_pod", "kubernetes_pod_name")
POD_SUFFIX = re.compile(r"(-[a-f0-9]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$")
"""What a Deployment's pods append to its name: the template hash and five random characters, never a vowel, so that
`redis-cache` is no pod of `redis`."""
MACHINE_JOBS = re.compile(r"node|node[-_]exporter|windows[-_]exporter|.*-node-exporter", re.IGNORECASE)
"""Jobs whose targets are machines: there the instance is what the alert is about."""
NAMED_BY_ID = re.compile(r"arn|account|region|alarm|metric|namespace|dimension\..*")
"""Labels whose value is an id and nothing else: it says which one, and stays."""
AROUND = re.compile(
    r"env(ironment)?|stage|tier|team|owner|cluster(_name)?|region|dc|datacenter|monitor|source|receiver|channel|priority"
    r"|category|group|container|rule(_group)?|job|__.*",
)
"""Labels that say where and whose, but not what: alone they make no two alerts one."""
PASSING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID
    r"|(?<![0-9a-zA-Z])(?=[0-9a-f]*[0-9])[0-9a-f]{8,}(?![0-9a-zA-Z])"  # a hash
    r"|(?<![0-9])[0-9]{5,}(?![0-9])",  # a timestamp, a CronJob's run
)
"""Parts of a value that are another one each time: `backup-28391040` and the run after it are the same job."""


def identity(source: str, name: str, labels: Mapping[str, str], fingerprint: str) -> str:
    """The fingerprint that the next occurrence of the same alert has too: 16 hexadecimal characters.

    An alert that does not say what it is about is only ever itself: then the provider's fingerprint counts.
    """
    telling = sorted(_telling(labels))
    vague = all(AROUND.fullmatch(label) for label, _ in telling)
    said = json.dumps([source, name, telling, fingerprint if vague else ""])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def workload_of(pod: str) -> str:
    """The workload in a pod's name: `web-7d9c5bf7c9-x2x4z` -> `web`. A name that is not made so stays as it is."""
    return POD_SUFFIX.sub("", pod)


def _telling(labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The labels that say which alert it is. A pod counts as its workload: it is all that tells two workloads apart."""
    for name, value in labels.items():
        if name.lower() not in VOLATILE:
            yield name, value if NAMED_BY_ID.fullmatch(name) else PASSING.sub("#", value)
    pod = next((labels[one] for one in POD_LABELS if labels.get(one)), None)
    if pod is not None:
        yield "workload", PASSING.sub("#", workload_of(pod))
    elif labels.get("instance") and MACHINE_JOBS.fullmatch(labels.get("job", "")):
        yield "machine", labels["instance"].partition(":")[0]
