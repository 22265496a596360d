"""Every AWS rule on a picture that calls for it, and the pictures on which all of them stay silent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.tools.aws import resources as r
from tests.tools.aws.pictures import (
    NOW,
    alarm,
    busy_group,
    full_disk,
    group,
    instance,
    lines,
    series,
    starved_service,
    subject,
)
from tools.diagnosis.aws import diagnose
from tools.diagnosis.aws.catalogue import AWS, RULES
from tools.evidence import Role
from tools.reads.aws.views import AlarmState, Picture, Series
from tools.subjects import AwsSubject

OOM = "Essential container in task exited; OutOfMemoryError: Container killed due to memory usage"
PULL = "CannotPullContainerError: pull image manifest has been retried 5 time(s): orders:2.15.0: not found"
SECRET = "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException"
CHECKED = "Task failed ELB health checks in (target-group orders)"
EXITED = "Essential container in task exited"
NO_ROOM = (
    "(service orders) was unable to place a task because no container instance met all of its requirements. "
    "The closest matching (container-instance 0a) has insufficient memory available (RESOURCE:MEMORY)."
)
SCALED = "Scaling activity initiated by (deployment ecs-svc/1)"
T2 = instance().model_copy(update={"type": "t3.small"})
ON_MACHINE = subject("AWS/EC2", "StatusCheckFailed", InstanceId=T2.id)
MACHINE = {"InstanceId": T2.id}
SLOW_READS = r.metric("DynamoDB", "ReadThrottleEvents", "Sum", {"TableName": "carts"}, (4,) * 5)
READS = r.metric("DynamoDB", "ConsumedReadCapacityUnits", "Sum", {"TableName": "carts"}, (580,) * 5)
THROTTLES = r.metric("Lambda", "Throttles", "Sum", r.FUNCTION, (9,) * 6)
BUSY = r.metric("Lambda", "ConcurrentExecutions", "Maximum", r.FUNCTION, (10,) * 6)
AT_TIMEOUT = r.metric("Lambda", "Duration", "Maximum", r.FUNCTION, (30_000,) * 6)
FAILING = (0,) * 20 + (12,) * 10
LAMBDA_LOG = "/aws/lambda/worker"
DYING: dict[str, Any] = {
    "service": r.service(running=1),
    "stopped_tasks": (r.stopped(OOM, 3, 137), r.stopped(OOM, 5, 137)),
}


def cpu(about: AwsSubject) -> Series:
    return series(about, 95, 95, 95)


def in_service(reason: str, code: int | None = 1, running: int = 1) -> Picture:
    tasks = (r.stopped(reason, 3, code), r.stopped(reason, 6, code))
    return r.seen(r.ON_SERVICE, service=r.service(running=running), stopped_tasks=tasks)


def in_function(*measured: object, log: tuple[object, ...] = (), **more: object) -> Picture:
    return r.seen(r.ON_FUNCTION, functions=(r.function(**more),), series=measured, log_lines=log)


def in_database(name: str, values: tuple[float, ...], period: int = 60, **more: Any) -> Picture:
    statistic = "Maximum" if name == "ReplicaLag" else "Average"
    series = r.metric("RDS", name, statistic, r.DATABASE, values, period)
    return r.seen(r.ON_DATABASE, databases=(r.database(**more),), series=(series,))


def system_errors(latest: float) -> Picture:
    about = subject("AWS/DynamoDB", "SystemErrors", TableName="carts", Operation="PutItem")
    return r.seen(about, tables=(r.table(),), series=(series(about, 0, 3, latest),)).model_copy(
        update={"alarm": alarm(about, threshold=0)}
    )


FOUND = {
    "aws.ecs_out_of_memory": r.seen(r.ON_SERVICE, **DYING),
    "aws.ecs_image_pull": in_service(PULL, None),
    "aws.ecs_secrets_unreachable": in_service(SECRET, None),
    "aws.ecs_health_check_failing": in_service(CHECKED, None),
    "aws.ecs_essential_exited": in_service(EXITED, 1),
    "aws.ecs_unable_to_place": r.seen(r.ON_SERVICE, service=r.service(running=2, events=((2, NO_ROOM),))),
    "aws.ecs_rollout_failed": r.seen(r.ON_SERVICE, service=r.service(rollout="FAILED", failed=3)),
    "aws.ecs_memory_high": r.seen(
        r.ON_SERVICE,
        service=r.service(),
        series=(r.metric("ECS", "MemoryUtilization", "Average", r.SERVICE, (91,) * 6),),
    ),
    "aws.ecs_cpu_high": r.seen(
        r.ON_SERVICE, service=r.service(), series=(r.metric("ECS", "CPUUtilization", "Average", r.SERVICE, (91,) * 6),)
    ),
    "aws.ecs_short_of_tasks": r.seen(r.ON_SERVICE, service=r.service(running=2)),
    "aws.ecs_db_connection_errors": starved_service(),
    "aws.ecs_db_connection_errors_persist": starved_service(age=timedelta(minutes=10)),
    "aws.permission_denied": r.seen(
        r.ON_FUNCTION,
        functions=(r.function(),),
        log_lines=lines(
            "[ERROR] ClientError: AccessDenied: not authorized to perform: s3:GetObject on resource media",
            4,
            LAMBDA_LOG,
        ),
    ),
    "aws.dependency_errors": r.seen(
        r.ON_FUNCTION,
        functions=(r.function(),),
        log_lines=lines("ERROR could not connect to redis.internal:6379: Connection refused", 5, LAMBDA_LOG),
    ),
    "aws.lambda_errors": in_function(*r.calls(FAILING)),
    "aws.lambda_errors_after_deploy": in_function(*r.calls(FAILING), versions=(r.version(42, 15), r.version(41, 9000))),
    "aws.lambda_throttled": in_function(THROTTLES, BUSY, *r.calls(()), reserved=10),
    "aws.lambda_timeouts": in_function(AT_TIMEOUT, *r.calls(FAILING)),
    "aws.lambda_out_of_memory": in_function(
        *r.calls(FAILING), log=lines("RequestId: 1 Error: Runtime exited with error: signal: killed", 3, LAMBDA_LOG)
    ),
    "aws.lambda_not_active": in_function(state="Failed", state_reason="the subnet is out of addresses"),
    "aws.lambda_source_disabled": r.seen(
        r.ON_QUEUE, queues=(r.queue(900),), functions=(r.function(),), sources=(r.source("Disabled"),)
    ),
    "aws.lambda_source_broken": r.seen(
        r.ON_QUEUE, queues=(r.queue(),), functions=(r.function(),), sources=(r.source(result="PROBLEM: access denied"),)
    ),
    "aws.lambda_dead_letters_lost": in_function(
        r.metric("Lambda", "DeadLetterErrors", "Sum", r.FUNCTION, (1, 2)), *r.calls(())
    ),
    "aws.lambda_iterator_age": in_function(
        r.metric("Lambda", "IteratorAge", "Maximum", r.FUNCTION, (60_000, 61_000, 90_000, 120_000, 150_000)),
        sources=(r.source().model_copy(update={"source": r.JOBS.replace(":sqs:", ":kinesis:")}),),
    ),
    "aws.rds_storage_full": r.seen(r.ON_DATABASE, databases=(r.database("storage-full"),)),
    "aws.rds_storage_low": in_database("FreeStorageSpace", (9 * 1024**3,) * 3, 300),
    "aws.rds_not_available": r.seen(r.ON_DATABASE, databases=(r.database("stopped"),)),
    "aws.rds_failover": r.seen(
        r.ON_DATABASE, databases=(r.database(events=(r.happened(8, "Multi-AZ instance failover completed"),)),)
    ),
    "aws.rds_restarted": r.seen(
        r.ON_DATABASE, databases=(r.database(events=(r.happened(8, "DB instance restarted"),)),)
    ),
    "aws.rds_connections": in_database("DatabaseConnections", (870,) * 6),
    "aws.rds_cpu": in_database("CPUUtilization", (97,) * 6),
    "aws.rds_load": in_database("DBLoad", (2.1,) * 6),
    "aws.rds_memory": in_database("FreeableMemory", (0.5 * 1024**3,) * 6),
    "aws.rds_io_balance": in_database("BurstBalance", (4,) * 6),
    "aws.rds_replica_lag": in_database("ReplicaLag", (600,) * 6, replica_of="main"),
    "aws.dynamodb_throttled": r.seen(r.ON_TABLE, tables=(r.table(),), series=(SLOW_READS, READS)),
    "aws.dynamodb_system_errors": system_errors(7),
    "aws.dynamodb_not_active": r.seen(
        r.ON_TABLE, tables=(r.table().model_copy(update={"status": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"}),)
    ),
    "aws.sqs_in_flight": r.seen(r.ON_QUEUE, queues=(r.queue(10, in_flight=119_000),)),
    "aws.sqs_dead_letters": r.seen(
        r.ON_QUEUE,
        queues=(r.queue(), r.queue(12, "jobs-dead", None)),
        series=(r.metric("SQS", "ApproximateNumberOfMessagesVisible", "Maximum", {"QueueName": "jobs-dead"}, (3, 12)),),
    ),
    "aws.sqs_backlog": r.seen(r.ON_QUEUE, queues=(r.queue(5000),), series=r.ages(200, 400, 600, 800, 1000)),
    "aws.s3_errors": r.seen(
        r.ON_BUCKET,
        buckets=(r.bucket(),),
        series=(r.metric("S3", "5xxErrors", "Average", r.ON_BUCKET.dimensions, (0.2,) * 15),),
    ),
    "aws.ec2_not_running": r.seen(ON_MACHINE, instance=instance("stopped")),
    "aws.ec2_status_check": r.seen(ON_MACHINE, instance=T2.model_copy(update={"checks_failed": ("system",)})),
    "aws.ec2_credits": r.seen(
        ON_MACHINE, instance=T2, series=(r.metric("EC2", "CPUCreditBalance", "Average", MACHINE, (3,) * 3, 300),)
    ),
    "aws.ec2_cpu": r.seen(
        ON_MACHINE, instance=T2, series=(r.metric("EC2", "CPUUtilization", "Average", MACHINE, (99,) * 3, 300),)
    ),
    "aws.asg_cpu_high": busy_group(),
    "aws.asg_at_max": busy_group(6, 6, 6),
    "aws.asg_launch_failing": busy_group().model_copy(update={"group": group(1, 2, failed=(timedelta(minutes=5),))}),
    "aws.disk_full": full_disk(),
    "aws.nat_port_allocation": r.seen(
        r.ON_NAT,
        nats=(r.nat(),),
        series=(r.metric("NATGateway", "ErrorPortAllocation", "Sum", r.ON_NAT.dimensions, (5,) * 5),),
    ),
    "aws.nat_not_available": r.seen(r.ON_NAT, nats=(r.nat("failed"),)),
    "aws.certificate_expiring": r.seen(r.ON_CERTIFICATE, certificates=(r.certificate(5),)),
    "aws.alb_no_targets": r.seen(r.ON_BALANCER, balancers=(r.balancer(),), target_groups=(r.target_group(),)),
    "aws.alb_unhealthy_targets": r.seen(
        r.ON_BALANCER, balancers=(r.balancer(),), target_groups=(r.target_group("healthy", "unhealthy"),)
    ),
    "aws.alb_target_5xx": r.seen(r.ON_BALANCER, balancers=(r.balancer(),), series=r.requests((200,) * 5)),
    "aws.alb_elb_5xx": r.seen(
        r.ON_BALANCER, balancers=(r.balancer(),), series=r.requests((3,) * 5, "HTTPCode_ELB_5XX_Count")
    ),
    "aws.alb_rejects": r.seen(
        r.ON_BALANCER, balancers=(r.balancer(),), series=r.requests((3,) * 5, "RejectedConnectionCount")
    ),
    "aws.alb_slow": r.seen(
        r.ON_BALANCER,
        balancers=(r.balancer(),),
        series=(r.metric("ApplicationELB", "TargetResponseTime", "p99", r.BALANCER, (4,) * 5),),
    ),
    "aws.apigw_5xx": r.seen(r.ON_API, apis=(r.api(),), series=r.answers(0.3)),
    "aws.apigw_4xx": r.seen(r.ON_API, apis=(r.api(),), series=r.answers(0.3, family="4XXError")),
    "aws.ssm_agent_offline": full_disk(used=70, ping="ConnectionLost"),
    "aws.apigw_slow": r.seen(
        r.ON_API,
        apis=(r.api(),),
        series=(r.metric("ApiGateway", "Latency", "p90", {"ApiName": "shop", "Stage": "prod"}, (3000,) * 6),),
    ),
    "aws.apigw_throttled": r.seen(r.ON_API, apis=(r.api(rate=10),), series=r.answers(0.3, family="4XXError")),
}


@pytest.mark.parametrize("code", sorted(RULES))
def test_each_rule_finds_its_fault_first_and_shows_it(code: str) -> None:
    picture = FOUND[code]

    diagnosis = diagnose(picture)

    first = diagnosis.findings[0]
    assert first.code == code
    assert first.evidence_ids
    assert set(first.evidence_ids) <= {one.id for one in diagnosis.evidence}
    assert diagnosis.causes[0].concerns or code.startswith(("aws.lambda_source", "aws.sqs_dead", "aws.alb"))


def test_the_catalogue_tells_of_each_rule_once_where_it_comes_from_and_what_looks_alike() -> None:
    assert len(RULES) == len(AWS)
    for rule in AWS:
        assert all((rule.source, rule.evidence, rule.remedy, rule.silent_on)), rule.code
        assert set(rule.explained_by) <= {*RULES, "*"}, rule.code


WELL = r.function(reserved=50, versions=(r.version(42, 15),))
SILENT = {
    "as many sessions at work as vCPUs": in_database("DBLoad", (2.0,) * 6),
    "sessions on a class that does not tell its vCPUs": in_database("DBLoad", (9,) * 6, instance_class="db.x1.big"),
    "errors of DynamoDB that are over": system_errors(0),
    "an agent that is online": full_disk(used=70),
    "an instance that Systems Manager never knew": full_disk(used=70, ping=None),
    "an agent that no alarm needs": full_disk(used=70, ping="ConnectionLost").model_copy(
        update={"subject": ON_MACHINE, "alarm": alarm(ON_MACHINE), "series": ()}
    ),
    "tasks stopped by scaling": r.seen(
        r.ON_SERVICE, service=r.service(), stopped_tasks=(r.stopped(SCALED, 2), r.stopped(SCALED, 3))
    ),
    "tasks a person stopped": r.seen(
        r.ON_SERVICE, service=r.service(), stopped_tasks=(r.stopped("bye", 2, 143, "UserInitiated"),) * 2
    ),
    "one task that ran out of memory, and was replaced": r.seen(
        r.ON_SERVICE, service=r.service(), stopped_tasks=(r.stopped(OOM, 3, 137),)
    ),
    "tasks that ran out of memory long ago": r.seen(
        r.ON_SERVICE, service=r.service(), stopped_tasks=(r.stopped(OOM, 45, 137), r.stopped(OOM, 50, 137))
    ),
    "tasks that ended well": r.seen(
        r.ON_SERVICE, service=r.service(), stopped_tasks=(r.stopped(EXITED, 2, 0), r.stopped(EXITED, 3, 0))
    ),
    "a rollout under way": r.seen(
        r.ON_SERVICE,
        service=r.service(running=2, rollout="IN_PROGRESS", age=timedelta(minutes=2), before=r.definition(14)),
    ),
    "no room once, and room since": r.seen(
        r.ON_SERVICE, service=r.service(events=((3, "(service orders) has started 1 tasks"), (5, NO_ROOM)))
    ),
    "errors too rare to matter": in_function(*r.calls((0,) * 29 + (1,), (500,) * 30)),
    "too few calls to tell": in_function(*r.calls((3, 3, 3), (3, 3, 3))),
    "a deployment and no errors": in_function(
        *r.calls((0,) * 30), modified_at=r.ago(10), versions=(r.version(42, 10),)
    ),
    "one throttled minute": in_function(
        r.metric("Lambda", "Throttles", "Sum", r.FUNCTION, (0, 0, 0, 0, 9)), *r.calls((0,) * 5)
    ),
    "a long run that ends in time": in_function(
        r.metric("Lambda", "Duration", "Maximum", r.FUNCTION, (25_000,) * 6), *r.calls((0,) * 30)
    ),
    "one timeout in the log": in_function(
        *r.calls((0,) * 30), log=lines("Task timed out after 30.00 seconds", 1, LAMBDA_LOG)
    ),
    "four minutes of busy database": in_database("CPUUtilization", (97, 97, 97, 97, 20)),
    "a database at exactly eighty percent": in_database("CPUUtilization", (80,) * 6),
    "connections with a maximum of the owner's own": in_database(
        "DatabaseConnections", (5000,) * 6, parameters="tuned"
    ),
    "storage that stays": in_database("FreeStorageSpace", (30 * 1024**3,) * 100, 300),
    "a nightly backup": r.seen(
        r.ON_DATABASE,
        databases=(r.database("backing-up", events=(r.happened(5, "Backing up DB instance", "backup"),)),),
    ),
    "a failover two hours ago": r.seen(
        r.ON_DATABASE, databases=(r.database(events=(r.happened(125, "Multi-AZ instance failover completed"),)),)
    ),
    "targets that start or drain": r.seen(
        r.ON_BALANCER, balancers=(r.balancer(),), target_groups=(r.target_group("healthy", "initial", "draining"),)
    ),
    "errors of a fraction of a percent": r.seen(
        r.ON_BALANCER.model_copy(update={"metric": "RequestCount"}),
        balancers=(r.balancer(),),
        series=r.requests((8,) * 5),
    ),
    "one minute of errors": r.seen(
        subject("AWS/ApplicationELB", "RequestCount", **r.BALANCER),
        balancers=(r.balancer(),),
        series=r.requests((0, 0, 0, 0, 900)),
    ),
    "an old backlog that shrinks": r.seen(
        subject("AWS/SQS", "NumberOfMessagesSent", **r.QUEUE),
        queues=(r.queue(500),),
        series=(
            *r.ages(900, 800, 700, 600, 500),
            r.metric("SQS", "ApproximateNumberOfMessagesVisible", "Maximum", r.QUEUE, (900, 700, 500)),
        ),
    ),
    "dead letters of last month": r.seen(
        r.ON_QUEUE.model_copy(update={"metric": "NumberOfMessagesSent"}),
        queues=(r.queue(), r.queue(12, "jobs-dead", None)),
        series=(
            r.metric("SQS", "ApproximateNumberOfMessagesVisible", "Maximum", {"QueueName": "jobs-dead"}, (12,) * 9),
        ),
    ),
    "a table used to the full that refuses nothing": r.seen(
        r.ON_TABLE.model_copy(update={"metric": "ConsumedReadCapacityUnits"}), tables=(r.table(),), series=(READS,)
    ),
    "a certificate that AWS renews": r.seen(
        r.ON_CERTIFICATE, certificates=(r.certificate(30, "PENDING_AUTO_RENEWAL"),)
    ),
    "few callers with wrong requests": r.seen(r.ON_API, apis=(r.api(),), series=r.answers(0.5, 3, "4XXError")),
    "a NAT gateway with ports": r.seen(
        subject("AWS/NATGateway", "BytesOutToDestination", NatGatewayId="nat-0a1b2c3d"),
        nats=(r.nat(),),
        series=(r.metric("NATGateway", "ErrorPortAllocation", "Sum", r.ON_NAT.dimensions, (0,) * 5),),
    ),
    "one failed status check": r.seen(
        subject("AWS/EC2", "CPUUtilization", **MACHINE),
        instance=T2,
        series=(r.metric("EC2", "StatusCheckFailed", "Maximum", MACHINE, (0, 1, 0)),),
    ),
    "healthy all over": r.seen(
        r.ON_BALANCER,
        balancers=(r.balancer(),),
        target_groups=(r.target_group("healthy", "healthy"),),
        service=r.service(),
        functions=(WELL,),
        databases=(r.database(),),
    ),
    "nothing found": r.seen(r.ON_SERVICE),
}


@pytest.mark.parametrize("case", sorted(SILENT))
def test_the_rules_stay_silent_on(case: str) -> None:
    assert [one.code for one in diagnose(SILENT[case]).findings] == []


@pytest.mark.parametrize("code", sorted(RULES))
def test_nothing_is_claimed_once_the_alarm_is_over(code: str) -> None:
    picture = FOUND[code]
    over = picture.model_copy(update={"alarm": alarm(picture.subject, state=AlarmState.OK)})

    assert diagnose(over).findings == ()


def test_the_same_fault_is_put_down_to_the_deployment_that_brought_it() -> None:
    before = r.definition(14, image="orders:2.14.0", memory=1024)
    tasks = (r.stopped(OOM, 3, 137), r.stopped(OOM, 6, 137))
    young = r.service(running=1, age=timedelta(minutes=12), before=before)

    finding = diagnose(r.seen(r.ON_SERVICE, service=young, stopped_tasks=tasks)).findings[0]

    assert (finding.code, finding.role) == ("aws.ecs_out_of_memory", Role.CHANGE)
    assert "orders:15 replaced orders:14: orders image orders:2.14.0 -> orders:2.15.0" in finding.statement


def test_a_deployment_is_not_blamed_for_tasks_of_the_one_before() -> None:
    tasks = (r.stopped(OOM, 3, 137, of=r.OLD), r.stopped(OOM, 6, 137, of=r.OLD))
    young = r.service(running=1, age=timedelta(minutes=12), before=r.definition(14, memory=1024))

    finding = diagnose(r.seen(r.ON_SERVICE, service=young, stopped_tasks=tasks)).findings[0]

    assert (finding.code, finding.role) == ("aws.ecs_out_of_memory", Role.RESOURCE)


def test_errors_that_began_before_the_change_are_not_put_down_to_it() -> None:
    picture = in_function(*r.calls((12,) * 30), versions=(r.version(42, 2),))

    assert "aws.lambda_errors_after_deploy" not in {one.code for one in diagnose(picture).findings}


def test_a_function_that_is_switched_off_says_so() -> None:
    finding = diagnose(in_function(THROTTLES, *r.calls(()), reserved=0)).findings[0]

    assert finding.code == "aws.lambda_throttled"
    assert "its reserved concurrency is 0, which switches it off" in finding.statement


def test_what_is_missing_on_every_instance_is_named() -> None:
    finding = diagnose(FOUND["aws.ecs_unable_to_place"]).findings[0]

    assert finding.statement.endswith("ECS cannot place the others: no instance has enough memory left.")


def test_why_a_launch_failed_is_told_in_the_words_of_aws() -> None:
    finding = diagnose(FOUND["aws.asg_launch_failing"]).findings[0]

    assert "of its latest activities failed; the newest: " in finding.statement


def test_a_queue_whose_function_fails_is_not_called_cut_off() -> None:
    failing = r.source(result="PROBLEM: Function call failed")
    picture = r.seen(r.ON_QUEUE, queues=(r.queue(),), functions=(r.function(),), sources=(failing,))

    assert "aws.lambda_source_broken" not in {one.code for one in diagnose(picture).findings}


def test_an_alarm_that_is_ok_again_asks_nobody_to_do_anything() -> None:
    picture = r.seen(r.ON_QUEUE, queues=(r.queue(),))
    over = alarm(picture.subject, state=AlarmState.OK)

    diagnosis = diagnose(picture.model_copy(update={"alarm": over}))

    assert diagnosis.findings == ()
    assert "OK again since" in diagnosis.next_look


def test_a_task_that_cannot_fetch_its_secrets_is_not_short_of_room() -> None:
    said = "(service orders) was unable to place a task. Reason: ResourceInitializationError: unable to pull secrets."
    stopped = (r.stopped(SECRET, 2), r.stopped(SECRET, 5))
    picture = r.seen(r.ON_SERVICE, service=r.service(running=1, events=((2, said),)), stopped_tasks=stopped)

    codes = [one.code for one in diagnose(picture).findings]

    assert codes[0] == "aws.ecs_secrets_unreachable"
    assert "aws.ecs_unable_to_place" not in codes


def test_one_busy_instance_does_not_grow_its_group() -> None:
    about = subject("AWS/EC2", "CPUUtilization", **MACHINE)
    picture = busy_group().model_copy(update={"subject": about, "instance": T2, "series": (cpu(about),)})

    assert "aws.asg_cpu_high" not in {one.code for one in diagnose(picture).findings}


def test_a_queue_beyond_its_owners_limit_is_a_backlog() -> None:
    about = subject("AWS/SQS", "ApproximateNumberOfMessagesVisible", **r.QUEUE)
    rising = r.metric("SQS", "ApproximateNumberOfMessagesVisible", "Maximum", r.QUEUE, (10, 200, 900))

    finding = diagnose(r.seen(about, queues=(r.queue(900),), series=(rising,))).findings[0]

    assert finding.code == "aws.sqs_backlog"
    assert "beyond the limit its owner set: 900 against 80" in finding.statement


def test_the_reason_codes_of_ill_targets_are_told_in_words() -> None:
    ill = r.target_group(
        "unhealthy", reason="Target.ResponseCodeMismatch", said="Health checks failed with these codes: [404]"
    )

    finding = diagnose(r.seen(r.ON_BALANCER, balancers=(r.balancer(),), target_groups=(ill,))).findings[0]

    assert "another answer than the health check expects" in finding.statement
    assert "[404]); the check asks /healthz for 200" in finding.statement


def test_the_owners_alarm_counts_where_the_usual_windows_do_not_yet() -> None:
    about = subject("AWS/RDS", "DatabaseConnections", **r.DATABASE)
    tuned = r.database(parameters="tuned")
    series = r.metric("RDS", "DatabaseConnections", "Average", r.DATABASE, (10, 450))

    finding = diagnose(r.seen(about, databases=(tuned,), series=(series,))).findings[0]

    assert finding.code == "aws.rds_connections"
    assert finding.since == NOW - timedelta(minutes=4)
