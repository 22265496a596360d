"""The laptop world: stand-ins for Slack, Kubernetes, AWS and a model, speaking the real wire protocols on loopback."""
