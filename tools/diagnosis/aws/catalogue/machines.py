"""Rules about machines: EC2 instances, Auto Scaling groups, NAT gateways."""

from __future__ import annotations

from tools.diagnosis.rule import Rule
from tools.evidence import Role

MACHINES: tuple[Rule, ...] = (
    Rule(
        code="aws.ec2_not_running",
        role=Role.CHANGE,
        source="EC2 DescribeInstances State stopped or terminated",
        evidence="the instance",
        remedy="Find out who stopped it, and start it again if nobody meant to.",
        silent_on=("a running instance",),
    ),
    Rule(
        code="aws.ec2_status_check",
        role=Role.DEPENDENCY,
        source="EC2 DescribeInstanceStatus impaired; StatusCheckFailed >= 1 in 2 of 2 minutes",
        evidence="the status checks and the metric",
        remedy="System check: stop and start it, to move it to another host. Instance check: read its console output.",
        silent_on=(
            "one failed minute",
            "an instance that is starting",
        ),
    ),
    Rule(
        code="aws.ec2_credits",
        role=Role.RESOURCE,
        source="CPUCreditBalance < 20 for 15 minutes",
        evidence="the metric and the instance",
        remedy="Switch to unlimited credits or to a family without them.",
        silent_on=("instances without credits",),
    ),
    Rule(
        code="aws.asg_launch_failing",
        role=Role.RESOURCE,
        source="Auto Scaling guide: failed activities in DescribeScalingActivities",
        evidence="the group with its activities",
        remedy="Read the failed activities: quota, capacity, launch template or subnet.",
        silent_on=(
            "failures more than an hour ago",
            "all wanted instances in service",
        ),
    ),
    Rule(
        code="aws.asg_cpu_high",
        role=Role.RESOURCE,
        source="AWS recommended alarms: EC2 CPUUtilization > 80 %, or the alarm's own limit",
        evidence="the metric and the group",
        remedy="Raise the desired capacity.",
        silent_on=(
            "instances on their way",
            "datapoints from long ago",
        ),
    ),
    Rule(
        code="aws.asg_at_max",
        role=Role.RESOURCE,
        source="the same, and desired = maximum",
        evidence="the metric and the group",
        remedy="Raise the maximum, or find out what makes the instances busy.",
        silent_on=("room below the maximum",),
    ),
    Rule(
        code="aws.disk_full",
        role=Role.RESOURCE,
        source="CloudWatch agent disk_used_percent >= 90",
        evidence="the metric and the instance",
        remedy="Clean up rotated logs; if that is not enough, grow the volume.",
        silent_on=(
            "89.9 %",
            "an agent that went silent",
        ),
    ),
    Rule(
        code="aws.ec2_cpu",
        role=Role.RESOURCE,
        source="AWS recommended alarms: EC2 CPUUtilization > 80 % for 15 minutes",
        evidence="the metric and the instance",
        remedy="Find what keeps it busy; take a larger type or more instances.",
        silent_on=(
            "exactly 80 %",
            "two of three windows",
        ),
        explained_by=("aws.ec2_credits",),
    ),
    Rule(
        code="aws.ssm_agent_offline",
        role=Role.DEPENDENCY,
        source="SSM DescribeInstanceInformation PingStatus ConnectionLost or Inactive of a running instance",
        evidence="the instance with its agent",
        remedy="Log in another way, restart the agent, and look at its role and its way to Systems Manager.",
        silent_on=(
            "an agent that is online",
            "an instance that is stopped, or that Systems Manager never knew",
            "an alarm that needs no agent",
        ),
        explained_by=("aws.disk_full", "aws.ec2_status_check"),
    ),
    Rule(
        code="aws.nat_not_available",
        role=Role.DEPENDENCY,
        source="EC2 DescribeNatGateways State failed",
        evidence="the gateway",
        remedy="Do what its failure message says, or make a new one and change the routes.",
        silent_on=("a gateway in state available",),
    ),
    Rule(
        code="aws.nat_port_allocation",
        role=Role.RESOURCE,
        source="AWS recommended alarms: NAT ErrorPortAllocation > 0",
        evidence="the metric and the gateway",
        remedy="Give the gateway more addresses, or reuse connections to the destination.",
        silent_on=("no errors",),
    ),
)
