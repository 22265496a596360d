"""The three writes against the sandbox account: guarded, done once, found again, undone or honestly not."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from deploy.sandbox.aws import Aws
from tools.actions import CleanUpLogs, ForceNewDeployment, SetDesiredCapacity
from tools.clients import Writers
from tools.clients.aws import AwsWriter
from tools.errors import PermanentError, Uncertain
from tools.writes.aws import WRITES
from tools.writes.write import Applied, Change, Landing, Observed, Preview, Refused, Stale, Write

REGION = "eu-west-1"
ORDERS = ForceNewDeployment(region=REGION, cluster="prod", service="orders")
SCALE, DEPLOY, CLEAN = WRITES[SetDesiredCapacity], WRITES[ForceNewDeployment], WRITES[CleanUpLogs]
NUMBERS = itertools.count()


def new_group(writer: AwsWriter, desired: int = 2, maximum: int = 6) -> str:
    """A group of its own for one test."""
    name = f"group-{next(NUMBERS)}"
    writer.autoscaling(REGION).create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": "prod-web", "Version": "$Latest"},
        MinSize=1,
        MaxSize=maximum,
        DesiredCapacity=desired,
        AvailabilityZones=[f"{REGION}a"],
    )
    return name


def desired_of(writer: AwsWriter, group: str) -> int:
    answer = writer.autoscaling(REGION).describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    return answer["AutoScalingGroups"][0]["DesiredCapacity"]


def observed(write: Write[Any], action: object, writers: Writers) -> Observed:
    found = write.observe(action, writers)
    assert isinstance(found, Observed), found
    return found


def reason(outcome: object) -> str:
    assert isinstance(outcome, Refused | Stale), outcome
    return outcome.reason


@pytest.fixture
def orders(aws: Aws) -> ForceNewDeployment:
    """The orders service, with no deployment under way."""
    aws.tick(3)
    return ORDERS


@pytest.fixture
def clean(aws: Aws) -> CleanUpLogs:
    return CleanUpLogs(region=REGION, instance_id=aws.instance_id)


# -- aws.set_desired_capacity -------------------------------------------------------------------------------------


def test_a_group_is_scaled_found_scaled_and_put_back(aws: Aws, writer: AwsWriter, writers: Writers) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=4)
    seen = observed(SCALE, action, writers)

    before = SCALE.landed(action, seen, "k", writers)
    applied = SCALE.apply(action, seen, "k", writers)
    after = SCALE.landed(action, seen, "k", writers)
    back = SCALE.preview_undo(action, seen, writers)
    undone = SCALE.undo(action, seen, "k", writers)

    assert (before, after) == (Landing.NOT_LANDED, Landing.LANDED)
    assert isinstance(back, Preview)
    assert back.changes == (Change(path="DesiredCapacity", before="4", after="2"),)
    assert "2 of " in back.blast_radius
    assert "already wants 2 instances" in reason(SCALE.preview_undo(action, seen, writers))
    assert isinstance(applied, Applied)
    assert (applied.after, seen.before) == ('{"desired":4}', '{"desired":2}')
    assert isinstance(undone, Applied)
    assert SCALE.undone(action, seen, "k", writers) is Landing.LANDED
    assert desired_of(writer, action.group) == 2


def test_the_preview_of_a_scaling_says_what_and_how_and_changes_nothing(
    aws: Aws, writer: AwsWriter, writers: Writers
) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=1)
    seen = observed(SCALE, action, writers)
    effects = len(aws.effects)

    preview = SCALE.preview(action, seen, writers)

    assert isinstance(preview, Preview)
    assert [(one.path, one.before, one.after) for one in preview.changes] == [("DesiredCapacity", "2", "1")]
    assert "1 of 2 instances are terminated" in preview.blast_radius
    assert preview.command.startswith("aws autoscaling set-desired-capacity")
    assert (seen.replicas_before, seen.replicas_after, seen.pods_affected) == (2, 1, 1)
    assert len(aws.effects) == effects


@pytest.mark.parametrize(
    ("desired", "says"),
    [(0, "1 to 6 instances, not 0"), (7, "1 to 6 instances, not 7"), (2, "already wants 2")],
)
def test_a_group_is_not_set_beyond_its_own_limits(desired: int, says: str, writer: AwsWriter, writers: Writers) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=desired)

    assert says in reason(SCALE.observe(action, writers))


def test_a_group_that_may_not_launch_is_refused(writer: AwsWriter, writers: Writers) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=4)
    writer.autoscaling(REGION).suspend_processes(AutoScalingGroupName=action.group, ScalingProcesses=["Launch"])

    assert "Launch is suspended" in reason(SCALE.observe(action, writers))


def test_a_group_that_is_not_there_is_refused(writers: Writers) -> None:
    action = SetDesiredCapacity(region=REGION, group="gone", desired=4)

    assert "no Auto Scaling group gone" in reason(SCALE.observe(action, writers))


@pytest.mark.parametrize(
    ("moved", "says"),
    [
        ({"DesiredCapacity": 3}, "wants 3 instances, not 2"),
        ({"MaxSize": 9}, "settings"),
        ({"MinSize": 2}, "settings"),
    ],
)
def test_a_group_that_moved_since_people_saw_it_is_stale(
    moved: dict[str, int], says: str, aws: Aws, writer: AwsWriter, writers: Writers
) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=4)
    seen = observed(SCALE, action, writers)
    writer.autoscaling(REGION).update_auto_scaling_group(AutoScalingGroupName=action.group, **moved)  # type: ignore[arg-type]
    effects = len(aws.effects)

    outcome = SCALE.apply(action, seen, "k", writers)

    assert says in reason(outcome)
    assert says in reason(SCALE.check(action, seen, writers))
    assert len(aws.effects) == effects


def test_a_group_made_anew_under_the_same_name_is_stale(writer: AwsWriter, writers: Writers) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=4)
    seen = observed(SCALE, action, writers)

    outcome = SCALE.check(action, seen.model_copy(update={"uid": "arn:aws:autoscaling:another"}), writers)

    assert "replaced by another" in reason(outcome)


def test_an_undo_leaves_alone_what_somebody_else_decided(writer: AwsWriter, writers: Writers) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=4)
    seen = observed(SCALE, action, writers)
    SCALE.apply(action, seen, "k", writers)
    writer.autoscaling(REGION).set_desired_capacity(AutoScalingGroupName=action.group, DesiredCapacity=5)

    outcome = SCALE.undo(action, seen, "k", writers)

    assert "somebody else decided" in reason(outcome)
    assert "somebody else decided" in reason(SCALE.preview_undo(action, seen, writers))
    assert desired_of(writer, action.group) == 5
    assert SCALE.undone(action, seen, "k", writers) is Landing.NOT_LANDED


def test_an_undo_that_no_longer_fits_the_groups_limits_is_stale(writer: AwsWriter, writers: Writers) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=4)
    seen = observed(SCALE, action, writers)
    SCALE.apply(action, seen, "k", writers)
    writer.autoscaling(REGION).update_auto_scaling_group(AutoScalingGroupName=action.group, MinSize=3)

    assert "no longer have 2" in reason(SCALE.undo(action, seen, "k", writers))
    assert "no longer have 2" in reason(SCALE.preview_undo(action, seen, writers))


def test_a_scaling_whose_answer_is_lost_is_found_to_have_happened(
    aws: Aws, writer: AwsWriter, writers: Writers
) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=4)
    seen = observed(SCALE, action, writers)
    aws.spoil_next("SetDesiredCapacity", "lose")

    with pytest.raises(Uncertain):
        SCALE.apply(action, seen, "k", writers)

    assert SCALE.landed(action, seen, "k", writers) is Landing.LANDED


def test_a_scaling_that_failed_is_found_not_to_have_happened(aws: Aws, writer: AwsWriter, writers: Writers) -> None:
    action = SetDesiredCapacity(region=REGION, group=new_group(writer), desired=4)
    seen = observed(SCALE, action, writers)
    aws.spoil_next("SetDesiredCapacity", "fail")

    with pytest.raises(Uncertain):
        SCALE.apply(action, seen, "k", writers)

    assert SCALE.landed(action, seen, "k", writers) is Landing.NOT_LANDED


# -- aws.force_new_deployment -------------------------------------------------------------------------------------


def test_a_service_is_deployed_afresh_once(aws: Aws, orders: ForceNewDeployment, writers: Writers) -> None:
    seen = observed(DEPLOY, orders, writers)
    effects = len(aws.effects)

    before = DEPLOY.landed(orders, seen, "k", writers)
    applied = DEPLOY.apply(orders, seen, "k", writers)
    again = DEPLOY.apply(orders, seen, "k", writers)

    assert before is Landing.NOT_LANDED
    assert isinstance(applied, Applied)
    assert json.loads(applied.after)["deployment"] != json.loads(seen.before)["deployment"]
    assert "was deployed since people saw it" in reason(again)
    assert DEPLOY.landed(orders, seen, "k", writers) is Landing.LANDED
    assert [effect.action for effect in aws.effects[effects:]] == ["UpdateService"]


def test_a_service_in_the_middle_of_a_deployment_is_refused(orders: ForceNewDeployment, writers: Writers) -> None:
    DEPLOY.apply(orders, observed(DEPLOY, orders, writers), "k", writers)

    assert "already running" in reason(DEPLOY.observe(orders, writers))


def test_a_deployment_whose_answer_is_lost_is_found_to_have_happened(
    aws: Aws, orders: ForceNewDeployment, writers: Writers
) -> None:
    seen = observed(DEPLOY, orders, writers)
    aws.spoil_next("UpdateService", "lose")

    with pytest.raises(Uncertain):
        DEPLOY.apply(orders, seen, "k", writers)

    assert DEPLOY.landed(orders, seen, "k", writers) is Landing.LANDED


def test_somebody_elses_release_is_not_taken_for_ours(
    aws: Aws, orders: ForceNewDeployment, writer: AwsWriter, writers: Writers
) -> None:
    seen = observed(DEPLOY, orders, writers)
    elsewhere = {**json.loads(seen.before), "task_definition": "orders:0", "deployment": "ecs-svc/0"}

    outcome = DEPLOY.landed(orders, seen.model_copy(update={"before": json.dumps(elsewhere)}), "k", writers)

    assert outcome is Landing.UNKNOWN


def test_a_deployment_cannot_be_undone_and_says_so(orders: ForceNewDeployment, writers: Writers) -> None:
    seen = observed(DEPLOY, orders, writers)

    assert "cannot be undone" in reason(DEPLOY.undo(orders, seen, "k", writers))
    assert DEPLOY.undone(orders, seen, "k", writers) is Landing.NOT_LANDED
    assert not DEPLOY.reversible


def test_the_preview_of_a_deployment_tells_that_all_tasks_are_replaced(
    orders: ForceNewDeployment, writers: Writers
) -> None:
    preview = DEPLOY.preview(orders, observed(DEPLOY, orders, writers), writers)

    assert isinstance(preview, Preview)
    assert "all 3 tasks are replaced" in preview.blast_radius
    assert "--force-new-deployment" in preview.command
    assert preview.undo.startswith("None")


@pytest.mark.parametrize(
    ("cluster", "service"),
    [pytest.param("prod", "gone", id="no such service"), pytest.param("gone", "orders", id="no such cluster")],
)
def test_a_service_that_is_not_there_is_refused(cluster: str, service: str, writers: Writers) -> None:
    action = ForceNewDeployment(region=REGION, cluster=cluster, service=service)

    assert "there is no ECS service" in reason(DEPLOY.observe(action, writers))


def test_a_service_that_wants_no_tasks_is_refused(orders: ForceNewDeployment, aws: Aws, writers: Writers) -> None:
    assert writers.aws is not None
    writers.aws.ecs(REGION).update_service(cluster="prod", service="orders", desiredCount=0)

    outcome = DEPLOY.observe(orders, writers)

    writers.aws.ecs(REGION).update_service(cluster="prod", service="orders", desiredCount=3)
    assert "nothing to replace" in reason(outcome)


# -- aws.clean_up_logs --------------------------------------------------------------------------------------------


def test_logs_are_cleaned_up_once_by_the_listed_document(aws: Aws, clean: CleanUpLogs, writers: Writers) -> None:
    seen = observed(CLEAN, clean, writers)
    effects = len(aws.effects)

    before = CLEAN.landed(clean, seen, "first", writers)
    first = CLEAN.apply(clean, seen, "first", writers)
    again = CLEAN.apply(clean, seen, "first", writers)

    assert before is Landing.NOT_LANDED
    assert CLEAN.landed(clean, seen, "first", writers) is Landing.LANDED
    assert isinstance(first, Applied)
    assert isinstance(again, Applied)
    assert again.after == first.after
    (sent,) = aws.effects[effects:]
    assert sent.parameters["DocumentName"] == "sayso-CleanUpLogs"
    assert sent.parameters["Parameters"] == {"Directory": ["/var/log"], "OlderThanDays": ["7"]}
    assert sent.parameters["InstanceIds"] == [aws.instance_id]
    assert sent.parameters["DocumentHash"]


def test_another_approval_is_another_command(aws: Aws, clean: CleanUpLogs, writers: Writers) -> None:
    seen = observed(CLEAN, clean, writers)
    CLEAN.apply(clean, seen, "one", writers)

    assert CLEAN.landed(clean, seen, "two", writers) is Landing.NOT_LANDED


def test_a_key_too_long_for_ssm_still_names_its_command(clean: CleanUpLogs, writers: Writers) -> None:
    seen, key = observed(CLEAN, clean, writers), "k" * 500

    CLEAN.apply(clean, seen, key, writers)

    assert CLEAN.landed(clean, seen, key, writers) is Landing.LANDED
    assert CLEAN.landed(clean, seen, key + "k", writers) is Landing.NOT_LANDED


def test_a_command_whose_answer_is_lost_is_found_by_its_comment(aws: Aws, clean: CleanUpLogs, writers: Writers) -> None:
    seen = observed(CLEAN, clean, writers)
    aws.spoil_next("SendCommand", "lose")

    with pytest.raises(Uncertain):
        CLEAN.apply(clean, seen, "lost", writers)

    assert CLEAN.landed(clean, seen, "lost", writers) is Landing.LANDED


def test_an_approver_sees_that_deleted_logs_are_gone_and_which_document_runs(
    clean: CleanUpLogs, writers: Writers
) -> None:
    preview = CLEAN.preview(clean, observed(CLEAN, clean, writers), writers)

    assert isinstance(preview, Preview)
    assert "cannot be brought back" in preview.warnings[0]
    assert "version 1, sha256" in preview.warnings[1]
    assert CLEAN.destructive
    assert "cannot be brought back" in reason(CLEAN.undo(clean, observed(CLEAN, clean, writers), "k", writers))


def test_a_document_that_changed_since_the_approval_is_stale(
    aws: Aws, clean: CleanUpLogs, writer: AwsWriter, writers: Writers
) -> None:
    seen = observed(CLEAN, clean, writers)
    ssm = writer.ssm(REGION)
    content = ssm.get_document(Name="sayso-CleanUpLogs", DocumentFormat="YAML")["Content"]
    ssm.update_document(
        Name="sayso-CleanUpLogs",
        Content=content.replace("-delete", "-print"),
        DocumentFormat="YAML",
        DocumentVersion="$LATEST",
    )
    ssm.update_document_default_version(Name="sayso-CleanUpLogs", DocumentVersion="2")
    effects = len(aws.effects)

    outcome = CLEAN.apply(clean, seen, "changed", writers)

    ssm.update_document_default_version(Name="sayso-CleanUpLogs", DocumentVersion="1")
    assert "settings" in reason(outcome)
    assert [one.action for one in aws.effects[effects:]] == ["UpdateDocumentDefaultVersion"]


def test_an_instance_that_is_not_reachable_is_refused(writer: AwsWriter, writers: Writers) -> None:
    client = writer.ec2(REGION)
    other = client.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    action = CleanUpLogs(region=REGION, instance_id=other)

    unmanaged = CLEAN.observe(action, writers)
    client.stop_instances(InstanceIds=[other])
    stopped = CLEAN.observe(action, writers)
    nobody = CLEAN.observe(CleanUpLogs(region=REGION, instance_id="i-00000000000000000"), writers)

    assert "Systems Manager cannot reach" in reason(unmanaged)
    assert "is stopped" in reason(stopped)
    assert "there is no instance" in reason(nobody)


def test_without_the_document_nothing_runs(clean: CleanUpLogs, writers: Writers) -> None:
    elsewhere = clean.model_copy(update={"region": "us-east-1"})

    assert "sayso-CleanUpLogs cannot be used" in reason(CLEAN.observe(elsewhere, writers))


# -- all of them --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    [
        SetDesiredCapacity(region=REGION, group="prod-web", desired=4),
        ORDERS,
        CleanUpLogs(region=REGION, instance_id="i-00000000000000000"),
    ],
)
def test_without_an_identity_that_may_change_things_nothing_is_done(
    action: SetDesiredCapacity | ForceNewDeployment | CleanUpLogs,
) -> None:
    seen = Observed(target=action.target, uid="", generation=None, spec_digest="", before='{"desired":1}')

    with pytest.raises(PermanentError, match="no AWS identity"):
        WRITES[type(action)].apply(action, seen, "k", Writers(kubernetes=None, aws=None))
