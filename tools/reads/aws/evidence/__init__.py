"""Views -> Evidence: what was seen, in words that can be quoted. Pure; the text was redacted when it was read."""

from __future__ import annotations

from tools.reads.aws.evidence.balancers import of_balancer, of_target_group
from tools.reads.aws.evidence.basics import of_alarm, of_alarms, of_history, of_lines, of_series
from tools.reads.aws.evidence.databases import of_cluster, of_database
from tools.reads.aws.evidence.edges import of_api, of_certificate
from tools.reads.aws.evidence.functions import of_function, of_source
from tools.reads.aws.evidence.machines import of_command, of_group, of_instance, of_nat
from tools.reads.aws.evidence.picture import of_picture
from tools.reads.aws.evidence.services import of_definition, of_service, of_stopped_tasks
from tools.reads.aws.evidence.stores import of_bucket, of_queue, of_table
from tools.reads.aws.evidence.tags import of_tags
from tools.reads.aws.evidence.trail import of_event

__all__ = [
    "of_alarm",
    "of_alarms",
    "of_api",
    "of_balancer",
    "of_bucket",
    "of_certificate",
    "of_cluster",
    "of_command",
    "of_database",
    "of_definition",
    "of_event",
    "of_function",
    "of_group",
    "of_history",
    "of_instance",
    "of_lines",
    "of_nat",
    "of_picture",
    "of_queue",
    "of_series",
    "of_service",
    "of_source",
    "of_stopped_tasks",
    "of_table",
    "of_tags",
    "of_target_group",
]
