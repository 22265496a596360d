"""A bucket with Object Lock and versions, in a moto of its own on loopback."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAME = "sayso-audit"


@contextmanager
def locked_bucket(environment: pytest.MonkeyPatch) -> Iterator[str]:
    """Its name, while the environment points at it and at nothing else."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from tools.clients.aws import AwsWriter

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,), name="s3", daemon=True)
    serving.start()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        environment.delenv(name)
    environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    environment.setenv("AWS_REGION", "eu-west-1")
    environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    environment.setenv("AWS_ACCESS_KEY_ID", "testing")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    AwsWriter.from_profile(None).s3().create_bucket(
        Bucket=NAME,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    try:
        yield NAME
    finally:
        server.shutdown()
        serving.join(5)
        server.server_close()
