"""A small Prometheus: real history of a stand-in cluster, the rules that watch it, and the HTTP API that tells of both.

It is given a picture of the world (`Metrics`, rules, targets) and answers from it; `ClusterMetrics` fills that picture
from a cluster as things happen there. Of PromQL it knows a number, a selector, and a comparison with a number.
"""

from deploy.sandbox.prometheus.kubestate import RULES, ClusterMetrics
from deploy.sandbox.prometheus.metrics import Metrics
from deploy.sandbox.prometheus.server import Prometheus, Rule

__all__ = ["RULES", "ClusterMetrics", "Metrics", "Prometheus", "Rule"]
