"""The cluster's HTTP face: the Kubernetes API as clients and kubectl speak it."""
