"""AWS as sayso sees it: frozen views of the few fields that matter, a module a service. No reading, no judging."""

from __future__ import annotations

from tools.reads.aws.views.balancers import LoadBalancer, Target, TargetGroup
from tools.reads.aws.views.basics import (
    DISK_METRIC,
    DISK_NAMESPACE,
    FRESH,
    Alarm,
    AlarmChange,
    AlarmState,
    Datapoint,
    LogLine,
    Series,
    Utc,
)
from tools.reads.aws.views.databases import Database, DatabaseCluster, DatabaseEvent
from tools.reads.aws.views.edges import Api, Certificate, Stage
from tools.reads.aws.views.functions import Alias, EventSource, Function, Version
from tools.reads.aws.views.machines import Activity, CommandResult, GroupInstance, Instance, NatGateway, ScalingGroup
from tools.reads.aws.views.picture import Picture
from tools.reads.aws.views.services import (
    Container,
    ContainerExit,
    Deployment,
    EcsService,
    ServiceEvent,
    StoppedTask,
    Task,
    TaskDefinition,
)
from tools.reads.aws.views.stores import Bucket, DynamoTable, Queue
from tools.reads.aws.views.tags import Tagged, Tags
from tools.reads.aws.views.trail import TrailEvent

__all__ = [
    "DISK_METRIC",
    "DISK_NAMESPACE",
    "FRESH",
    "Activity",
    "Alarm",
    "AlarmChange",
    "AlarmState",
    "Alias",
    "Api",
    "Bucket",
    "Certificate",
    "CommandResult",
    "Container",
    "ContainerExit",
    "Database",
    "DatabaseCluster",
    "DatabaseEvent",
    "Datapoint",
    "Deployment",
    "DynamoTable",
    "EcsService",
    "EventSource",
    "Function",
    "GroupInstance",
    "Instance",
    "LoadBalancer",
    "LogLine",
    "NatGateway",
    "Picture",
    "Queue",
    "ScalingGroup",
    "Series",
    "ServiceEvent",
    "Stage",
    "StoppedTask",
    "Tagged",
    "Tags",
    "Target",
    "TargetGroup",
    "Task",
    "TaskDefinition",
    "TrailEvent",
    "Utc",
    "Version",
]
