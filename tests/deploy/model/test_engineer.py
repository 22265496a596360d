"""The scripted engineer sees only what it is shown, and goes back to what worked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.investigation.compiling import ModelProposal
from bot.investigation.fence import Fence
from bot.investigation.values import Question
from deploy.sandbox.model.engineer import engineer
from deploy.sandbox.model.wire import Call, ChatRequest, Message, Reply, Tool
from tools.actions import Action
from tools.evidence import Evidence, Trust, evidence
from tools.reads.aws.table import READS as AWS_READS
from tools.reads.kubernetes.table import READS as KUBERNETES_READS
from tools.subjects import AwsSubject, KubernetesSubject, Subject

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANSWER = Tool("ModelProposal", "", ModelProposal.model_json_schema())
READS = tuple(
    Tool(read.name, read.description, read.arguments.model_json_schema()) for read in (*KUBERNETES_READS, *AWS_READS)
)


def seen(tool: str, excerpt: str, query: str = "shop/deployments/web") -> Evidence:
    return evidence(tool=tool, query=query, summary="seen", excerpt=excerpt, at=AT, trust=Trust.STATUS)


def asked(subject: Subject, *pieces: Evidence, alert: str = "it fired", reads: tuple[Tool, ...] = ()) -> ChatRequest:
    question = Fence().question(Question(alert=alert, subject=subject, evidence=pieces))
    return ChatRequest("m", (Message("system", "You are…"), Message("user", question)), (*reads, ANSWER))


WEB = KubernetesSubject(namespace="shop", deployment="web")
IN_SHOP = {"namespace": "shop", "deployment": "web"}
ALARM = {"region": "eu-west-1", "alarm": "a", "namespace": "AWS/EC2", "metric": "CPUUtilization"}
GROUP = AwsSubject(**ALARM, dimensions={"AutoScalingGroupName": "web-asg"})
SERVICE = AwsSubject(**ALARM, dimensions={"ClusterName": "shop", "ServiceName": "orders"})
INSTANCE = AwsSubject(**ALARM, dimensions={"InstanceId": "i-0123456789abcdef0"})


def changed(*lines: str) -> Evidence:
    """What the rules cite of a rollout."""
    return seen("kubernetes.revisions", "\n".join(lines), "shop/deployments/web revision 3 to 4")


def listed(*lines: str) -> Evidence:
    """The same as the model's own read shows it."""
    shown = ["revision 4 (current): 2 pods wanted, 0 available", *(f"  {line}" for line in lines), "revision 3: 0 pods"]
    return seen("k8s_what_changed", "\n".join(shown), "shop/deployments/web revisions")


PROBE = "httpGet {} port {} (delay 0s period 10s timeout 1s x3)"
STORIES: dict[str, tuple[Subject, tuple[Evidence, ...], dict[str, Any]]] = {
    "a variable went": (
        WEB,
        (
            changed("web env DATABASE_URL: from Secret db/url -> absent"),
            seen("k8s_pod_logs", "KeyError: 'DATABASE_URL'"),
        ),
        {"kind": "k8s.set_env", **IN_SHOP, "container": "web", "variable": "DATABASE_URL", "revision": 3},
    ),
    "memory was cut": (
        WEB,
        (
            listed("web limit memory: 512Mi -> 128Mi"),
            seen("k8s_list_workloads", "web waiting, before that OOMKilled exit 137"),
        ),
        {"kind": "k8s.set_resources", **IN_SHOP, "container": "web", "memory_limit": "512Mi"},
    ),
    "an image that is not there": (
        WEB,
        (listed("web image: shop/web:1.4 -> shop/web:9.9.9"), seen("k8s_list_events", "ImagePullBackOff: not found")),
        {"kind": "k8s.set_image", **IN_SHOP, "container": "web", "image": "shop/web:1.4"},
    ),
    "a liveness path": (
        WEB,
        (
            changed(f"web liveness probe: {PROBE.format('/healthz', 8080)} -> {PROBE.format('/nope', 8080)}"),
            seen("k8s_list_events", "Unhealthy: Liveness probe failed: 404"),
        ),
        {
            "kind": "k8s.set_probe",
            **IN_SHOP,
            "container": "web",
            "probe": "liveness",
            "path": "/healthz",
        },
    ),
    "a readiness port": (
        WEB,
        (
            listed(f"web readiness probe: {PROBE.format('/ready', 'http')} -> {PROBE.format('/ready', 9999)}"),
            seen("k8s_list_events", "Unhealthy: Readiness probe failed: connection refused"),
        ),
        {
            "kind": "k8s.set_probe",
            **IN_SHOP,
            "container": "web",
            "probe": "readiness",
            "port": "http",
        },
    ),
    "a request no node has": (
        WEB,
        (listed("web request memory: 256Mi -> 64Gi"), seen("k8s_list_events", "0/3 nodes: 3 Insufficient memory")),
        {"kind": "k8s.set_resources", **IN_SHOP, "container": "web", "memory_request": "256Mi"},
    ),
    "a selector's typo": (
        KubernetesSubject(namespace="shop", service="search"),
        (
            seen("k8s_list_services", "service search (ClusterIP) selects app=serch, 80 -> http; no endpoints"),
            seen("k8s_describe_workload", "Deployment search: 2 of 2 available\nlabels app=search,tier=api"),
        ),
        {
            "kind": "k8s.set_service_selector",
            "namespace": "shop",
            "service": "search",
            "selector": {"app": "search", "tier": "api"},
        },
    ),
    "a busy group": (
        GROUP,
        (
            seen("aws_asg", "min 2, desired 2, max 6, in service 2", "eu-west-1 web-asg"),
            seen("aws_metric", "11:58 88.0\n11:59 91.5", "eu-west-1 AWS/EC2 CPUUtilization"),
        ),
        {"kind": "aws.set_desired_capacity", "region": "eu-west-1", "group": "web-asg", "desired": 4},
    ),
    "no connections left": (
        SERVICE,
        (seen("aws_logs", "11:59:01 FATAL: remaining connection slots are reserved", "eu-west-1 /ecs/orders"),),
        {"kind": "aws.force_new_deployment", "region": "eu-west-1", "cluster": "shop", "service": "orders"},
    ),
    "a full disk": (
        INSTANCE,
        (seen("aws_metric", "11:59 96.0", "eu-west-1 CWAgent disk_used_percent"),),
        {"kind": "aws.clean_up_logs", "region": "eu-west-1", "instance_id": "i-0123456789abcdef0"},
    ),
}


@pytest.mark.parametrize(("subject", "pieces", "action"), STORIES.values(), ids=STORIES.keys())
def test_it_derives_the_fix_from_what_it_was_shown(
    subject: Subject, pieces: tuple[Evidence, ...], action: dict[str, Any]
) -> None:
    reply = engineer(asked(subject, *pieces))

    answer = reply.calls[0].arguments
    assert [each["action"] for each in answer["actions"]] == [action]
    assert TypeAdapter(Action).validate_python(action)
    assert ModelProposal.model_validate(answer)
    quote = answer["actions"][0]["quotes"][0]
    assert [quote["quote"] in piece.excerpt for piece in pieces if piece.id == quote["evidence_id"]] == [True]


@pytest.mark.parametrize(("subject", "pieces", "action"), STORIES.values(), ids=STORIES.keys())
def test_it_does_not_know_the_fix_before_it_has_looked(
    subject: Subject, pieces: tuple[Evidence, ...], action: dict[str, Any]
) -> None:
    unread = engineer(asked(subject, alert=f"web is broken; expected {action['kind']}"))

    assert unread.calls[0].arguments["actions"] == []


def test_a_symptom_without_its_cause_is_left_to_people() -> None:
    reply = engineer(asked(WEB, seen("k8s_list_workloads", "OOMKilled exit 137"), changed("web image: a:1 -> a:2")))

    assert reply.calls[0].arguments["actions"] == []
    assert reply.calls[0].arguments["confidence"] <= 3


def test_a_full_group_is_not_made_larger_than_it_may_be() -> None:
    full = seen("aws_asg", "min 2, desired 6, max 6, in service 6", "eu-west-1 web-asg")

    reply = engineer(asked(GROUP, full, seen("aws_metric", "11:59 91.5", "eu-west-1 AWS/EC2 CPUUtilization")))

    assert reply.calls[0].arguments["actions"] == []


def test_it_looks_first_where_the_alert_points_and_at_several_things_at_once() -> None:
    reply = engineer(asked(WEB, reads=READS))

    assert reply.calls == (
        Call("k8s_list_workloads", {"namespace": "shop"}),
        Call("k8s_describe_workload", IN_SHOP),
        Call("k8s_what_changed", IN_SHOP),
    )


def test_names_it_meets_open_further_reads() -> None:
    described = seen("k8s_describe_workload", "container app image a:1\npod web-1 Running, not ready: app ended 1")
    first = asked(WEB, described, reads=READS)
    made = (Message("assistant", "", engineer(first).calls),)
    again = ChatRequest("m", (*first.messages, *made), first.tools)

    reply = engineer(again)

    log = Call("k8s_pod_logs", {"namespace": "shop", "pod": "web-1", "container": "app", "previous": True})
    assert log in reply.calls


def test_it_reads_nothing_twice_and_comes_to_an_end() -> None:
    messages, tools = asked(WEB, reads=READS).messages, (*READS, ANSWER)
    calls: list[Call] = []

    for _ in range(10):
        reply = engineer(ChatRequest("m", messages, tools))
        if reply.calls[0].name == ANSWER.name:
            break
        calls += reply.calls
        messages = (*messages, Message("assistant", "", reply.calls))

    assert reply.calls[0].name == ANSWER.name
    assert len(calls) == len({str(call) for call in calls}) > 3


def test_without_a_tool_to_answer_with_it_answers_in_words_or_as_json() -> None:
    request = asked(*STORIES["memory was cut"][:1], *STORIES["memory was cut"][1])
    in_words = ChatRequest("m", request.messages)
    as_json = ChatRequest("m", request.messages, schema=ANSWER.parameters)

    said, written = engineer(in_words), engineer(as_json)

    assert said == Reply(text="web is killed for want of memory: the last rollout changed web limit memory.")
    assert ModelProposal.model_validate_json(written.text).actions
