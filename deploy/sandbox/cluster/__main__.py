"""`python -m deploy.sandbox.cluster`: run the stand-in cluster until interrupted."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

import click

from deploy.sandbox.cluster import Cluster, Identity, NodePool


@click.command()
@click.option("--port", default=8001, show_default=True, help="Loopback port; 0 picks a free one.")
@click.option("--speed", default=1.0, show_default=True, help="Simulated seconds per real second.")
@click.option("--nodes", default=3, show_default=True, help="Worker nodes.")
@click.option("--rbac/--no-rbac", default=False, help="Ask for identities and check their roles.")
@click.option(
    "--load", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Manifests to create at start."
)
@click.option("--kubeconfig", type=click.Path(dir_okay=False, path_type=Path), help="Write an admin kubeconfig here.")
def main(port: int, speed: float, nodes: int, rbac: bool, load: Path | None, kubeconfig: Path | None) -> None:
    """Run a Kubernetes API on loopback."""
    cluster = Cluster(speed=speed, port=port, nodes=NodePool(nodes), rbac=rbac, seed=secrets.randbits(64))
    if load is not None:
        import yaml

        cluster.load(document for document in yaml.safe_load_all(load.read_text(encoding="utf-8")) if document)
    click.echo(f"Kubernetes API: {cluster.url} (speed {speed:g}, rbac {'on' if rbac else 'off'})")
    if kubeconfig is not None:
        cluster.kubeconfig(kubeconfig, Identity.ADMIN)
        click.echo(f"export KUBECONFIG={kubeconfig}")
    else:
        click.echo(f"kubectl --server {cluster.url} get pods --all-namespaces")
    with contextlib.suppress(KeyboardInterrupt):  # which is how it is meant to end
        cluster.serve_forever()


if __name__ == "__main__":
    main()
