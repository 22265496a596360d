"""What the model may ask about Kubernetes: the rows of READS. Each answers with redacted evidence and changes nothing.

ConfigMaps appear by name and keys, Secrets by name where the reader may list them, environment variables by name and
source: no row shows a value.
"""

from __future__ import annotations

from typing import Any

from tools.reads.kubernetes.rows import means, ways, words, workloads
from tools.reads.read import Read

READS: tuple[Read[Any], ...] = (*workloads.ROWS, *words.ROWS, *ways.ROWS, *means.ROWS)
"""Every Kubernetes read the model may call."""
