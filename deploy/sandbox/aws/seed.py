"""The sandbox account before anything breaks: a web fleet, an ECS service, a reports machine, their alarms.

Everything is made through the API, as a person would. What happens to it afterwards belongs to the subjects.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.sandbox.aws.wire import PHYSICS, WRITER_KEY
from tools.clients.aws import botocore_session
from tools.values import Value

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

ACCOUNT = "123456789012"
"""moto's own default account."""
REGION = "eu-west-1"
GROUP = "prod-web"
CLUSTER, SERVICE, LOG_GROUP = "prod", "orders", "/ecs/prod/orders"
TOPIC = "ops-alarms"
IMAGE = "ami-0123456789abcdef0"
"""Any id will do: moto does not look it up."""
DOCUMENT = "sayso-CleanUpLogs"
DOCUMENT_FILE = Path(__file__).parents[2] / "aws" / "ssm" / "clean-up-logs.yaml"


class AlarmSpec(Value):
    """A CloudWatch alarm: greater than the threshold in one of one minute."""

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    threshold: float
    statistic: str = "Average"


@dataclass(frozen=True)
class Cloud:
    """The sandbox's own clients, marked so that the wire does not count their calls as effects."""

    autoscaling: AutoScalingClient
    cloudwatch: CloudWatchClient
    ec2: EC2Client
    ecs: ECSClient
    logs: CloudWatchLogsClient
    sns: SNSClient
    ssm: SSMClient


def cloud(url: str) -> Cloud:
    """Clients of the sandbox at `url`."""
    import boto3
    from botocore.config import Config

    session: Any = boto3.Session(
        aws_access_key_id=WRITER_KEY,
        aws_secret_access_key="sandbox",
        region_name=REGION,
        botocore_session=botocore_session(),
    )
    config = Config(
        user_agent=PHYSICS,
        proxies={},
        retries={"mode": "standard", "total_max_attempts": 1},
        # botocore compresses an hour of datapoints, and moto does not unpack them.
        disable_request_compression=True,
    )
    names = ("autoscaling", "cloudwatch", "ec2", "ecs", "logs", "sns", "ssm")
    return Cloud(**{name: session.client(name, endpoint_url=url, config=config) for name in names})


def seed(clients: Cloud) -> str:
    """Make everything but the alarms; the reports machine's instance id."""
    _fleet(clients)
    _orders(clients)
    clients.sns.create_topic(Name=TOPIC)
    clients.ssm.create_document(
        Name=DOCUMENT, Content=DOCUMENT_FILE.read_text(), DocumentType="Command", DocumentFormat="YAML"
    )
    made = clients.ec2.run_instances(
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        InstanceType="m6i.large",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "prod-reports"}]}],
    )
    return made["Instances"][0]["InstanceId"]


def watch(clients: Cloud, spec: AlarmSpec, topic: str) -> str:
    """Make an alarm, in state OK; its ARN."""
    clients.cloudwatch.put_metric_alarm(
        AlarmName=spec.name,
        AlarmDescription=spec.description,
        AlarmActions=[topic],
        OKActions=[topic],
        Namespace=spec.namespace,
        MetricName=spec.metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in spec.dimensions.items()],
        Statistic=spec.statistic,  # type: ignore[arg-type]
        Period=60,
        EvaluationPeriods=1,
        Threshold=spec.threshold,
        ComparisonOperator="GreaterThanThreshold",
    )
    clients.cloudwatch.set_alarm_state(AlarmName=spec.name, StateValue="OK", StateReason="seeded")
    found = clients.cloudwatch.describe_alarms(AlarmNames=[spec.name])["MetricAlarms"]
    return found[0]["AlarmArn"]


def _fleet(clients: Cloud) -> None:
    clients.ec2.create_launch_template(
        LaunchTemplateName=GROUP, LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.small"}
    )
    clients.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchTemplate={"LaunchTemplateName": GROUP, "Version": "$Latest"},
        MinSize=2,
        MaxSize=6,
        DesiredCapacity=2,
        AvailabilityZones=[f"{REGION}a"],
    )


def _orders(clients: Cloud) -> None:
    clients.logs.create_log_group(logGroupName=LOG_GROUP)
    clients.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=SERVICE)
    clients.ecs.create_cluster(clusterName=CLUSTER)
    clients.ecs.register_task_definition(
        family=SERVICE,
        containerDefinitions=[
            {
                "name": SERVICE,
                "image": "registry.example.com/orders:2.14.0",
                "memory": 512,
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": LOG_GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": SERVICE},
                },
            }
        ],
    )
    clients.ecs.create_service(
        cluster=CLUSTER,
        serviceName=SERVICE,
        taskDefinition=SERVICE,
        desiredCount=3,
        deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 200},
    )
