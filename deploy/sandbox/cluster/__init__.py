"""A Kubernetes API in memory, for demos and tests: real wire, real controllers' behaviour, no containers.

An unmodified official client and kubectl work against it. Pods are healthy or not because of their spec and the table
of images alone; there are no fault switches. What differs from a real server is listed in `README.md` beside this file.
"""

from deploy.sandbox.cluster.api.access import Identity
from deploy.sandbox.cluster.api.effects import Effect
from deploy.sandbox.cluster.cluster import Cluster, NodePool
from deploy.sandbox.cluster.images import IMAGES, App, Images

__all__ = ["IMAGES", "App", "Cluster", "Effect", "Identity", "Images", "NodePool"]
