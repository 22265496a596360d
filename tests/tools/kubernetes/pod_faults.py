"""For each rule about pods and their containers, pictures that make it speak, alone."""

from __future__ import annotations

from tests.tools.kubernetes.pictures import (
    container,
    deployment,
    ended,
    endpoints,
    event,
    log,
    picture,
    pod,
    service,
    state,
    template,
    unplaced,
    waiting,
)
from tools.reads.kubernetes.picture import Picture
from tools.reads.kubernetes.views import Probe

LIMITED = template(container(limits={"memory": "128Mi"}))
LIVE = template(container(liveness=Probe(handler="httpGet", path="/nope", port="http")))
STARTING = template(container(startup=Probe(handler="httpGet", path="/", port="http", failure_threshold=3)))
HUGE = template(container(requests={"memory": "64Gi"}))
PULLING = 'Failed to pull image "registry.local/web:9.9.9": '


def crashing(*lines: str) -> Picture:
    """A container in a crash loop with these last words."""
    ill = waiting("CrashLoopBackOff", last=ended(1), restarts=4)
    return picture(workloads=(deployment(template(), available=0),), pods=(pod(ill),), logs=(log(*lines),))


def pulling(said: str, reason: str = "ImagePullBackOff") -> Picture:
    """A container whose image does not come, with the registry's words."""
    return picture(
        workloads=(deployment(template(), available=0),),
        pods=(pod(waiting(reason), phase="Pending"),),
        events=(event("Failed", PULLING + said),),
    )


CASES: dict[str, tuple[str, Picture]] = {
    "a variable the log asks for": (
        "k8s.missing_env",
        crashing("INFO starting", "ERROR required environment variable DATABASE_URL is not set"),
    ),
    "a variable Python asks for": ("k8s.missing_env", crashing("KeyError: 'DATABASE_URL'")),
    "a variable Ruby asks for": (
        "k8s.missing_env",
        crashing("/app/config/stripe.rb:3:in 'Hash#fetch': key not found: \"WEBHOOK_KEY\" (KeyError)"),
    ),
    "a variable a person's words ask for": ("k8s.missing_env", crashing("panic: missing required env: API_TOKEN")),
    "a crash nobody explains": ("k8s.crash_loop", crashing("Segmentation fault")),
    "an image that is root where none may be": (
        "k8s.container_start_failed",
        picture(
            pods=(
                pod(
                    waiting(
                        "CreateContainerConfigError", "container has runAsNonRoot and image will run as root (pod: x)"
                    )
                ),
            )
        ),
    ),
    "a Secret that does not exist": (
        "k8s.missing_config_object",
        picture(pods=(pod(waiting("CreateContainerConfigError", 'secret "db" not found')),)),
    ),
    "a key a Secret lacks": (
        "k8s.missing_config_key",
        picture(pods=(pod(waiting("CreateContainerConfigError", "couldn't find key url in Secret shop/db")),)),
    ),
    "memory": (
        "k8s.oom_killed",
        picture(pods=(pod(waiting("CrashLoopBackOff", last=ended(137, "OOMKilled")), asked=LIMITED),)),
    ),
    "memory, though it is ready now": (
        "k8s.oom_killed",
        picture(pods=(pod(state(last=ended(137, "OOMKilled"), restarts=1), asked=LIMITED, ready=True),)),
    ),
    "exit 137 under a limit that nobody asked for": (
        "k8s.oom_killed",
        picture(pods=(pod(waiting("CrashLoopBackOff", last=ended(137)), asked=LIMITED),)),
    ),
    "an image that is not there": ("k8s.image_not_found", pulling("rpc error: code = NotFound desc = not found")),
    "an image that is not there, first try": ("k8s.image_not_found", pulling("manifest unknown", "ErrImagePull")),
    "an image we may not have": ("k8s.image_auth", pulling("failed to authorize: 401 Unauthorized")),
    "a registry that is away": ("k8s.image_unreachable", pulling("dial tcp: lookup r.invalid: no such host")),
    "a registry that slows us down": ("k8s.image_rate_limited", pulling("429 Too Many Requests - toomanyrequests")),
    "an image that is no name": ("k8s.image_invalid", picture(pods=(pod(waiting("InvalidImageName")),))),
    "an image that may not be pulled": ("k8s.image_never_pull", picture(pods=(pod(waiting("ErrImageNeverPull")),))),
    "a runtime that cannot start it": (
        "k8s.container_start_failed",
        picture(pods=(pod(waiting("RunContainerError", "exec: no such file")),)),
    ),
    "a program that ends well where it should go on": (
        "k8s.crash_loop",
        picture(pods=(pod(waiting("CrashLoopBackOff", last=ended(0, "Completed"), restarts=5)),)),
    ),
    "a startup probe": (
        "k8s.liveness_kills",
        picture(
            pods=(pod(state(last=ended(0), restarts=5, ready=False), asked=STARTING),),
            events=(
                event("Unhealthy", "Startup probe failed: connection refused"),
                event("Killing", "Container app failed startup probe, will be restarted"),
            ),
        ),
    ),
    "an init container": (
        "k8s.crash_loop",
        picture(
            pods=(
                pod(
                    waiting("CrashLoopBackOff", name="migrate", init=True, last=ended(2)),
                    asked=template().model_copy(update={"init_containers": (container(name="migrate"),)}),
                    phase="Pending",
                ),
            )
        ),
    ),
    "a liveness probe": (
        "k8s.liveness_kills",
        picture(
            pods=(pod(state(last=ended(137), restarts=5, ready=False), asked=LIVE),),
            events=(
                event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404"),
                event("Killing", "Container app failed liveness probe, will be restarted"),
            ),
        ),
    ),
    "a readiness probe": (
        "k8s.readiness_failing",
        picture(
            pods=(pod(state(ready=False)),),
            events=(event("Unhealthy", "Readiness probe failed: dial tcp: connection refused"),),
        ),
    ),
    "a request no node could meet": (
        "k8s.request_exceeds_any_node",
        picture(pods=(unplaced("0/1 nodes are available: 1 Insufficient memory.", HUGE),)),
    ),
    "no room at the moment": (
        "k8s.unschedulable_resources",
        picture(pods=(unplaced("0/2 nodes are available: 1 Too many pods, 2 Insufficient cpu."),)),
    ),
    "a taint": (
        "k8s.untolerated_taint",
        picture(pods=(unplaced("0/1 nodes are available: 1 node(s) had untolerated taint(s)."),)),
    ),
    "a node selector": (
        "k8s.affinity_unsatisfied",
        picture(pods=(unplaced("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),)),
    ),
    "cordoned nodes": (
        "k8s.nodes_cordoned",
        picture(pods=(unplaced("0/1 nodes are available: 1 node(s) were unschedulable."),)),
    ),
    "a claim that is not bound": (
        "k8s.claim_unbound",
        picture(
            pods=(unplaced("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not eligible"),)
        ),
    ),
    "a claim that is not there": (
        "k8s.claim_unbound",
        picture(pods=(unplaced('0/1 nodes are available: persistentvolumeclaim "data" not found.'),)),
    ),
    "a selector that matches nothing": (
        "k8s.selector_matches_nothing",
        picture(
            workloads=(deployment(template()),),
            pods=(pod(state(), ready=True),),
            services=(service({"app": "wbe"}),),
            endpoints=(endpoints(0),),
        ),
    ),
}
