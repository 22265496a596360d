"""Rules about what the outside meets first: load balancers, APIs, certificates."""

from __future__ import annotations

from tools.diagnosis.rule import ANYTHING, Rule
from tools.evidence import Role

EDGES: tuple[Rule, ...] = (
    Rule(
        code="aws.certificate_expiring",
        role=Role.RESOURCE,
        source="AWS recommended alarms: ACM DaysToExpiry <= 44",
        evidence="the certificate",
        remedy="Renew it: finish the validation AWS waits for, or import a new one.",
        silent_on=(
            "a managed renewal that goes well",
            "more than 44 days",
        ),
    ),
    Rule(
        code="aws.apigw_throttled",
        role=Role.RESOURCE,
        source="Count at the stage's throttling rate, with 4XX > 5 %",
        evidence="the stage and the counters",
        remedy="Raise the stage's rate, or slow the caller down.",
        silent_on=("4XX far below the rate",),
    ),
    Rule(
        code="aws.alb_no_targets",
        role=Role.DEPENDENCY,
        source="ELBv2 DescribeTargetHealth: none registered, or all draining",
        evidence="the target group",
        remedy="Find out why nothing registers: the service behind it, or its Auto Scaling group.",
        silent_on=(
            "a target group no load balancer uses",
            "targets that are starting",
        ),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.alb_unhealthy_targets",
        role=Role.SYMPTOM,
        source="ELBv2 DescribeTargetHealth state unhealthy, with its reason codes",
        evidence="the target group",
        remedy="Look at the targets: what the health check asks for, and what they answer.",
        silent_on=(
            "draining and initial targets",
            "a healthy group",
        ),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.alb_rejects",
        role=Role.RESOURCE,
        source="AWS recommended alarms: RejectedConnectionCount > 0 in 3 of 5 minutes",
        evidence="the counter and the load balancer",
        remedy="Look for a flood of connections; a load balancer grows by itself, slowly.",
        silent_on=("one minute",),
    ),
    Rule(
        code="aws.alb_elb_5xx",
        role=Role.SYMPTOM,
        source="HTTPCode_ELB_5XX_Count > 0 in 3 of 5 minutes",
        evidence="the counters and the load balancer",
        remedy="502: targets close connections; 503: none is healthy; 504: they are too slow.",
        silent_on=(
            "a single minute",
            "5xx of the targets",
        ),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.alb_target_5xx",
        role=Role.SYMPTOM,
        source="HTTPCode_Target_5XX_Count/RequestCount > 1 % warn, > 5 % critical, at least 20 requests",
        evidence="the counters and the load balancer",
        remedy="Look at the service behind it.",
        silent_on=(
            "fewer than 20 requests",
            "1 % or less",
        ),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.alb_slow",
        role=Role.SYMPTOM,
        source="TargetResponseTime p99 > 2 s in 3 of 5 minutes",
        evidence="the metric and the load balancer",
        remedy="Look at the service behind it and what it waits for.",
        silent_on=("2 s or less",),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.apigw_5xx",
        role=Role.SYMPTOM,
        source="AWS recommended alarms: API Gateway 5XXError > 5 % in 3 of 3 minutes, at least 20 requests",
        evidence="the counters and the API",
        remedy="Look at the backend behind it.",
        silent_on=("fewer than 20 requests",),
        explained_by=(ANYTHING,),
    ),
    Rule(
        code="aws.apigw_4xx",
        role=Role.SYMPTOM,
        source="AWS recommended alarms: API Gateway 4XXError > 5 % in 5 of 5 minutes, at least 20 requests",
        evidence="the counters and the API",
        remedy="Find the caller and what it asks for; look for a changed authorizer or route.",
        silent_on=("fewer than 20 requests",),
        explained_by=("aws.apigw_throttled",),
    ),
    Rule(
        code="aws.apigw_slow",
        role=Role.SYMPTOM,
        source="AWS recommended alarms: API Gateway Latency p90 > 2500 ms in 5 of 5 minutes",
        evidence="the metric and the API",
        remedy="Look at the backend behind it.",
        silent_on=("2500 ms or less",),
        explained_by=(ANYTHING,),
    ),
)
