"""From effect to cause along the links, what changed, and how far it reaches."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.tools.aws import resources as r
from tests.tools.aws.pictures import NOW, group, starved_service
from tools import resources
from tools.diagnosis.aws import diagnose
from tools.diagnosis.aws.changes import changes
from tools.diagnosis.aws.health import Health
from tools.diagnosis.aws.radius import radius
from tools.diagnosis.aws.topology import topology
from tools.diagnosis.aws.verdicts import health
from tools.evidence import Trust
from tools.reads.aws.evidence import of_picture
from tools.reads.aws.views import Picture
from tools.remedies.aws import remedy

OOM = "Essential container in task exited; OutOfMemoryError: Container killed due to memory usage"


def shop(**more: object) -> Picture:
    """A load balancer in front of a service whose tasks run out of memory since a deployment twelve minutes ago."""
    before = r.definition(14, image="orders:2.14.0")
    young = r.service(running=1, age=timedelta(minutes=12), before=before)
    return r.seen(
        r.ON_BALANCER,
        balancers=(r.balancer(),),
        target_groups=(r.target_group("healthy", "unhealthy"),),
        service=young,
        stopped_tasks=(r.stopped(OOM, 3, 137), r.stopped(OOM, 6, 137)),
        series=r.requests((200,) * 5),
    ).model_copy(update=more)


def starved_queue() -> Picture:
    """A queue that nobody empties since somebody switched its consumer off."""
    return r.seen(
        r.ON_QUEUE,
        queues=(r.queue(5000), r.queue(0, "jobs-dead", None)),
        functions=(r.function(),),
        sources=(r.source("Disabled"),),
        series=r.ages(200, 400, 600, 800, 1000, deleted=0),
    )


def test_errors_at_the_load_balancer_are_put_down_to_the_tasks_behind_it() -> None:
    diagnosis = diagnose(shop())

    (cause,) = diagnosis.causes
    assert cause.finding.code == "aws.ecs_out_of_memory"
    assert {one.code for one in cause.explains} >= {"aws.alb_unhealthy_targets", "aws.alb_target_5xx"}
    assert cause.concerns


def test_a_backlog_is_put_down_to_the_consumer_somebody_switched_off() -> None:
    (cause,) = diagnose(starved_queue()).causes

    assert cause.finding.code == "aws.lambda_source_disabled"
    assert [one.code for one in cause.explains] == ["aws.sqs_backlog"]
    assert cause.concerns


def test_two_faults_that_have_nothing_to_do_with_each_other_are_both_named() -> None:
    picture = shop(databases=(r.database("storage-full"),))

    codes = [cause.finding.code for cause in diagnose(picture).causes]

    assert codes == ["aws.ecs_out_of_memory", "aws.rds_storage_full"]


def test_the_links_lead_from_the_load_balancer_to_the_service() -> None:
    below = topology(shop()).below(r.balancer().resource)

    assert [one.kind for one in below][:2] == ["TargetGroup", "EcsService"]


def test_dead_letters_rest_on_the_queue_and_the_queue_on_its_consumer() -> None:
    below = topology(starved_queue()).below(r.queue(name="jobs-dead").resource)

    assert [str(one) for one in below] == ["eu-west-1/Queue/jobs", "eu-west-1/Function/worker"]


def test_targets_that_are_instances_lead_to_the_group_that_keeps_them() -> None:
    front = r.target_group("healthy").model_copy(update={"target_type": "instance"})
    target = front.targets[0].model_copy(update={"id": "i-00000000"})
    picture = r.seen(r.ON_BALANCER, group=group(), target_groups=(front.model_copy(update={"targets": (target,)}),))

    below = topology(picture).below(front.resource)

    assert resources.aws("eu-west-1", "AutoScalingGroup", "web") in below


def test_each_resource_is_in_one_group_of_the_radius() -> None:
    calm = r.metric("RDS", "CPUUtilization", "Average", r.DATABASE, (20,) * 6)
    series = (*r.requests((200,) * 5), calm)
    picture = shop(databases=(r.database(),), tables=(r.table(),), series=series)

    reach = radius(picture, diagnose(picture).findings, changes(picture))

    groups = (reach.affected, reach.healthy, reach.changed, reach.unchecked)
    keys = [one.resource.key for members in groups for one in members]
    assert len(set(keys)) == len(keys)
    assert {one.resource.kind for one in reach.affected} == {"LoadBalancer", "TargetGroup", "EcsService"}
    assert [(one.resource.name, one.detail) for one in reach.healthy] == [("db", "status available; CPU is 20 %")]
    assert [one.resource.name for one in reach.unchecked] == ["carts"]


def test_what_rests_on_the_cause_is_affected_also_when_it_is_well_itself() -> None:
    picture = r.seen(
        r.ON_BALANCER,
        balancers=(r.balancer(),),
        target_groups=(r.target_group("healthy"),),
        service=r.service(running=1),
        stopped_tasks=(r.stopped(OOM, 3, 137),),
    )

    reach = radius(picture, diagnose(picture).findings, ())

    assert [one.detail for one in reach.affected if one.resource.kind != "EcsService"] == ["rests on prod/orders"] * 2


def test_something_that_changed_and_is_well_is_easily_blamed_and_not_to_blame() -> None:
    calm = r.function(name="mailer", modified_at=r.ago(20))
    picture = shop(functions=(calm,))

    reach = radius(picture, diagnose(picture).findings, changes(picture))

    assert [(one.resource.name, one.detail) for one in reach.changed] == [("mailer", "code or configuration changed")]


def test_changes_are_told_in_order_with_who_made_them() -> None:
    picture = shop(
        trail=(
            r.recorded("UpdateService", 12.5, "orders"),
            r.recorded("DeleteService", 13, "orders", error="AccessDenied"),
            r.recorded("UpdateService", 900, "orders"),
        )
    )

    told = [str(one) for one in changes(picture)]

    assert told == [
        "2026-11-21 11:47:30 UTC eu-west-1/EcsService/prod/orders: "
        "UpdateService (desiredCount=3, service) by deployer/ci",
        "2026-11-21 11:48:00 UTC eu-west-1/EcsService/prod/orders: "
        "orders:14 -> orders:15: orders image orders:2.14.0 -> orders:2.15.0",
    ]


def test_a_revision_is_compared_without_any_value_of_a_variable() -> None:
    before = r.definition(14, env=("DATABASE_URL", "OLD"), memory=1024, command="a")
    young = r.service(age=timedelta(minutes=12), before=before)

    (change,) = changes(r.seen(r.ON_SERVICE, service=young))

    assert change.what == (
        "orders:14 -> orders:15: orders memory 1024 -> 512; orders env without OLD; orders env with PORT; "
        "orders starts with another command"
    )


def test_what_cloudtrail_says_is_text_anybody_may_have_chosen() -> None:
    picture = starved_service().model_copy(update={"trail": (r.recorded("UpdateService", 5, "orders"),)})

    assert changes(picture)[-1].evidence_id is not None
    pieces = {one.tool: one.trust for one in of_picture(picture)}
    assert pieces["aws_cloudtrail"] is Trust.TEXT


@pytest.mark.parametrize(
    ("picture", "verdicts"),
    [
        pytest.param(
            shop(), {"web": Health.UNHEALTHY, "orders": Health.DEGRADED, "prod/orders": Health.UNHEALTHY}, id="ill"
        ),
        pytest.param(r.seen(r.ON_NAT, nats=(r.nat("failed"),)), {"nat-0a1b2c3d": Health.UNHEALTHY}, id="failed"),
        pytest.param(
            r.seen(r.ON_CERTIFICATE, certificates=(r.certificate(40),)),
            {"shop.example.com": Health.DEGRADED},
            id="soon",
        ),
        pytest.param(
            r.seen(r.ON_FUNCTION, functions=(r.function(),)), {"worker": Health.UNKNOWN}, id="only switched on"
        ),
        pytest.param(r.seen(r.ON_QUEUE, queues=(r.queue(),)), {"jobs": Health.HEALTHY}, id="an empty queue"),
        pytest.param(r.seen(r.ON_API, apis=(r.api(),)), {"shop": Health.UNKNOWN}, id="no datapoints are not green"),
        pytest.param(r.seen(r.ON_BUCKET, buckets=(r.bucket(),)), {"media": Health.UNKNOWN}, id="no request metrics"),
    ],
)
def test_every_resource_gets_a_verdict(picture: Picture, verdicts: dict[str, Health]) -> None:
    assert {one.resource.name: one.health for one in health(picture)} == verdicts


def test_a_person_is_told_how_to_go_back() -> None:
    picture = shop()

    advice = remedy(diagnose(picture).findings[0], picture).advice

    assert advice == (
        "Deploy orders:14 again: aws ecs update-service --cluster prod --service orders --task-definition orders:14"
    )


def test_a_function_goes_back_to_the_version_its_alias_pointed_at() -> None:
    live = r.function(
        versions=(r.version(42, 15), r.version(41, 9000)),
        aliases=({"name": "live", "version": "42"},),
    )
    picture = r.seen(r.ON_FUNCTION, functions=(live,), series=r.calls((0,) * 20 + (12,) * 10))

    finding = diagnose(picture).findings[0]

    assert remedy(finding, picture).advice.endswith(
        "update-alias --function-name worker --name live --function-version 41"
    )


def test_where_nothing_is_found_people_are_told_what_is_well_and_where_to_look() -> None:
    picture = r.seen(r.ON_FUNCTION, functions=(r.function(),), series=r.calls((0,) * 30))

    diagnosis = diagnose(picture)

    assert diagnosis.findings == ()
    assert diagnosis.well[0].startswith("Function worker: ")
    assert diagnosis.next_look == "Ask whoever owns AWS/Lambda Errors (FunctionName worker) what moves it."


def test_a_kept_picture_reads_back_as_it_was() -> None:
    picture = shop(functions=(r.function(),), queues=(r.queue(),), trail=(r.recorded("UpdateService", 5, "orders"),))

    again = Picture.model_validate(json.loads(picture.model_dump_json()))

    assert again == picture
    assert diagnose(again) == diagnose(picture)
    assert again.at == NOW
