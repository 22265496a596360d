"""Writing a kubeconfig that points an unmodified client or kubectl at the cluster."""

from __future__ import annotations

from pathlib import Path

from deploy.sandbox.cluster.api.access import Identity


def write_kubeconfig(path: Path, url: str, identity: Identity) -> Path:
    """One cluster, one user, one context. kubectl sends `as` over plain HTTP; the official client sends the token."""
    import yaml

    name = f"sandbox-{identity}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": {"server": url}}],
        "users": [{"name": name, "user": {"token": identity.token, "as": identity.user}}],
        "contexts": [{"name": name, "context": {"cluster": "sandbox", "user": name, "namespace": "default"}}],
        "current-context": name,
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    path.chmod(0o600)  # clients warn about anything wider
    return path
