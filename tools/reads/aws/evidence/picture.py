"""A whole picture -> Evidence: the alarm first, then its metric, then the resources."""

from __future__ import annotations

from tools.evidence import Evidence
from tools.reads.aws.evidence import (
    balancers,
    basics,
    databases,
    edges,
    functions,
    machines,
    services,
    stores,
    tags,
    trail,
)
from tools.reads.aws.views import Picture, Tagged


def of_picture(picture: Picture) -> tuple[Evidence, ...]:
    """Everything in a picture, as evidence, each piece once."""
    at = picture.at
    pieces = [basics.of_alarm(picture.alarm, at)] if picture.alarm else []
    pieces += [basics.of_history(picture.alarm, picture.history, at)] if picture.alarm and picture.history else []
    pieces += [basics.of_series(one, at) for one in picture.series]
    pieces += [machines.of_group(picture.group, at)] if picture.group else []
    pieces += _of_service(picture)
    pieces += [basics.of_lines(picture.subject.region, one, picture.log_lines, at) for one in log_groups(picture)]
    pieces += [machines.of_instance(picture.instance, at)] if picture.instance else []
    pieces += [balancers.of_balancer(one, at) for one in picture.balancers]
    pieces += [balancers.of_target_group(one, at) for one in picture.target_groups]
    pieces += [functions.of_function(one, at) for one in picture.functions]
    pieces += [functions.of_source(picture.subject.region, one, at) for one in picture.sources]
    pieces += [databases.of_database(one, at) for one in picture.databases]
    pieces += [databases.of_cluster(one, at) for one in picture.clusters]
    pieces += [stores.of_queue(one, at) for one in picture.queues]
    pieces += [stores.of_table(one, at) for one in picture.tables]
    pieces += [stores.of_bucket(one, at) for one in picture.buckets]
    pieces += [edges.of_api(one, at) for one in picture.apis]
    pieces += [edges.of_certificate(one, at) for one in picture.certificates]
    pieces += [machines.of_nat(one, at) for one in picture.nats]
    pieces += [tags.of_tags(picture.subject.region, picture.tagged, at)] if any(map(_says, picture.tagged)) else []
    pieces += [trail.of_event(picture.subject.region, one, at) for one in picture.trail]
    return tuple({piece.id: piece for piece in pieces}.values())


def log_groups(picture: Picture) -> tuple[str, ...]:
    """The log groups of everything in a picture, also those that said nothing."""
    own = picture.service.log_groups if picture.service else ()
    return tuple(dict.fromkeys((*own, *(one.log_group for one in picture.functions))))


def _says(tagged: Tagged) -> bool:
    return bool(tagged.tags)


def _of_service(picture: Picture) -> list[Evidence]:
    service, at = picture.service, picture.at
    if service is None:
        return []
    pieces = [services.of_service(service, at), services.of_stopped_tasks(service, picture.stopped_tasks, at)]
    revisions = (service.definition, service.previous)
    return pieces + [services.of_definition(service, one, at) for one in revisions if one is not None]
