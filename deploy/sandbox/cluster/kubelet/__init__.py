"""What happens on the nodes: containers, probes, logs, usage. Health follows from the pod spec and the image table."""
