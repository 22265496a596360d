"""What may be asked about Kubernetes, one module a subject; `tools.reads.kubernetes.table` puts the rows together."""
