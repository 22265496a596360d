"""Judging Kubernetes: pure rules over a `Picture`. `diagnosing.diagnose` runs all; one module holds one subject."""
