"""Storms of alerts made up from a seed: services that depend on each other, one root whose failure runs up the
dependencies, and troubles that have nothing to do with it at the same time.

It tests the code, not the world: real storms have never been seen here, and the numbers say nothing about them.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations

from tools.correlation import scoring
from tools.correlation.identity import identity
from tools.correlation.profile import Profile, profile, service
from tools.correlation.scoring import Circle
from tools.correlation.storms import root_candidates
from tools.evidence import Severity
from tools.topology import Link, Relation, Topology

START = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
SERVICES, NAMESPACES, NODES, NOISE = 24, 4, 8, 5
WRITTEN_DOWN = 0.85
"""The share of dependencies that people wrote down."""
PASSED_ON = 0.85
"""How likely a failure reaches the next service up."""
ROOT_NAMES = ("KubePodCrashLooping", "ContainerOomKilled", "DiskWillFillSoon", "DatabaseConnectionsExhausted")
PASSED_NAMES = ("HighErrorRate", "HighRequestLatency", "EndpointDown", "KubePodNotReady", "QueueGrowing")
NOISE_NAMES = (
    "CertificateExpiresSoon",
    "JobFailed",
    "CPUThrottlingHigh",
    "PodRestarted",
    "BackupMissing",
    *PASSED_NAMES,
)


@dataclass(frozen=True)
class MadeUp:
    """One alert and the trouble it truly belongs to."""

    alert: Profile
    trouble: str


@dataclass(frozen=True)
class MadeStorm:
    """A storm, what people wrote down about who depends on whom, and where it truly came from."""

    alerts: tuple[MadeUp, ...]
    topology: Topology
    root: str


@dataclass(frozen=True)
class Measured:
    """How well storms were put together. Pairs: of alerts, over all storms."""

    storms: int
    alerts: int
    incidents: int
    over_merged: float
    """Of the pairs that were put together, the share that should not have been."""
    under_merged: float
    """Of the pairs that belong together, the share that was not put together."""
    b_cubed_f1: float
    root_first: float
    root_in_three: float

    @property
    def alerts_per_incident(self) -> float:
        """How many messages people were spared."""
        return self.alerts / self.incidents


def make(seed: int) -> MadeStorm:
    """One storm; the same for the same seed."""
    dice = random.Random(seed)
    names = [f"svc{chr(97 + number)}" for number in range(SERVICES)]
    place = {name: f"team{dice.randrange(NAMESPACES)}" for name in names}
    needs = {name: dice.sample(names[:at], k=min(at, dice.choice((1, 1, 2)))) for at, name in enumerate(names)}
    root = dice.choice(names[: SERVICES // 3])
    hit = _cascade(dice, names, needs, root)
    alerts = [one for name, at in hit.items() for one in _alerts(dice, name, place[name], at, "root", root == name)]
    quiet = [name for name in names if name not in hit]
    for number, name in enumerate(dice.sample(quiet, k=min(NOISE, len(quiet)))):
        at = START + timedelta(seconds=dice.randrange(240))
        alerts += _alerts(dice, name, place[name], at, f"noise-{number}", False, NOISE_NAMES)
    known = [(name, one) for name, needed in needs.items() for one in needed if dice.random() < WRITTEN_DOWN]
    links = (Link(source=service(a), relation=Relation.DEPENDS_ON, target=service(b)) for a, b in known)
    return MadeStorm(tuple(sorted(alerts, key=lambda one: one.alert.since)), Topology(links=tuple(links)), root)


def measure(seeds: Sequence[int]) -> Measured:
    """Put every storm together as the code would, and compare with the truth."""
    made = [make(seed) for seed in seeds]
    grouped = [group(storm) for storm in made]
    together = apart = wrong = missed = 0
    for storm, groups in zip(made, grouped, strict=True):
        for (one, mine), (other, its) in combinations(zip(storm.alerts, groups, strict=True), 2):
            same, put = one.trouble == other.trouble, mine == its
            together, apart = together + put, apart + same
            wrong, missed = wrong + (put and not same), missed + (same and not put)
    ranks = [_rank_of_root(storm, groups) for storm, groups in zip(made, grouped, strict=True)]
    return Measured(
        storms=len(made),
        alerts=sum(len(storm.alerts) for storm in made),
        incidents=sum(len(set(groups)) for groups in grouped),
        over_merged=wrong / max(1, together),
        under_merged=missed / max(1, apart),
        b_cubed_f1=sum(_b_cubed(s, g) for s, g in zip(made, grouped, strict=True)) / len(made),
        root_first=sum(rank == 0 for rank in ranks) / len(ranks),
        root_in_three=sum(rank < 3 for rank in ranks) / len(ranks),
    )


def group(storm: MadeStorm) -> list[int]:
    """The incident each alert gets into: its own alert's or its workload's, else the one that fits, else a new one."""
    members: dict[int, list[Profile]] = {}
    found: list[int] = []
    for one in storm.alerts:
        number = _joins(one.alert, members, storm.topology)
        members.setdefault(number, []).append(one.alert)
        found.append(number)
    return found


def _joins(news: Profile, members: dict[int, list[Profile]], topology: Topology) -> int:
    open_ones = {
        number: inside
        for number, inside in members.items()
        if news.since - inside[-1].since <= scoring.ACTIVE and news.since - inside[0].since <= scoring.LONGEST
    }
    for number, inside in open_ones.items():
        if any((one.place, one.workload) == (news.place, news.workload) for one in inside):
            return number
    latest = sorted(open_ones, key=lambda number: open_ones[number][-1].since, reverse=True)
    circles = [Circle(incident_id=number, alerts=tuple(open_ones[number])) for number in latest]
    match = scoring.best(news, circles, topology)
    return match.incident_id if match is not None else len(members)


def _cascade(dice: random.Random, names: list[str], needs: dict[str, list[str]], root: str) -> dict[str, datetime]:
    """When each service that the failure reaches begins to fail."""
    hit = {root: START}
    for name in names:  # what it needs comes before it
        reached = [hit[one] for one in needs[name] if one in hit and dice.random() < PASSED_ON]
        if reached and name not in hit:
            hit[name] = min(reached) + timedelta(seconds=dice.randrange(15, 75))
    return hit


def _alerts(
    dice: random.Random,
    name: str,
    namespace: str,
    at: datetime,
    trouble: str,
    is_root: bool,
    names: tuple[str, ...] = PASSED_NAMES,
) -> list[MadeUp]:
    """One to three alerts of one service."""
    made = []
    for alertname in dice.sample(ROOT_NAMES if is_root else names, k=dice.randrange(1, 4)):
        labels = {"namespace": namespace, "deployment": name, "pod": f"{name}-7d9c5bf7c9-x2x4z"}
        if dice.random() < 0.3:
            labels["node"] = f"node-{dice.randrange(NODES)}"
        made.append(
            MadeUp(
                profile(
                    identity=identity("alertmanager", alertname, labels, f"{alertname}-{name}"),
                    name=alertname,
                    service=name if dice.random() < 0.8 else None,
                    severity=dice.choice((Severity.SEV1, Severity.SEV2, Severity.SEV3)),
                    labels=labels,
                    annotations={"summary": f"{name}: {alertname}"},
                    since=at + timedelta(seconds=dice.randrange(20)),
                ),
                trouble,
            )
        )
    return made


def _b_cubed(storm: MadeStorm, groups: list[int]) -> float:
    """The harmonic mean of how pure and how whole each alert's incident is."""
    put, true = Counter(groups), Counter(one.trouble for one in storm.alerts)
    both = Counter(zip(groups, (one.trouble for one in storm.alerts), strict=True))
    precision = sum(count * count / put[number] for (number, _), count in both.items()) / len(groups)
    recall = sum(count * count / true[trouble] for (_, trouble), count in both.items()) / len(groups)
    return 2 * precision * recall / (precision + recall)


def _rank_of_root(storm: MadeStorm, groups: list[int]) -> int:
    """Where the true root stands among the candidates of the incident that holds its first alert."""
    inside: dict[int, list[Profile]] = defaultdict(list)
    for one, number in zip(storm.alerts, groups, strict=True):
        inside[number].append(one.alert)
    first = next(n for one, n in zip(storm.alerts, groups, strict=True) if one.alert.workload == storm.root)
    ranked = [one.name for one in root_candidates(inside[first], storm.topology)]
    return ranked.index(storm.root) if storm.root in ranked else len(ranked) + 3
