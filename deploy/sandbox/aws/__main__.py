"""`python -m deploy.sandbox.aws --port 5555`: the AWS sandbox by itself, until interrupted."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence

from deploy.sandbox.aws.scenarios import scenarios
from deploy.sandbox.aws.server import Aws


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve, print the environment a bot needs, break what was asked for, and let time pass."""
    asked = _parser().parse_args(arguments)
    # Whoever stops a container sends SIGTERM; the account's folder must not be left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Aws(asked.port, webhook_url=asked.webhook, shape=asked.shape, every=asked.every) as aws:
        for name, value in aws.environment().items():
            print(f"export {name}={value}")
        print(f"# alarms are signed as topic {aws.topic_arn}", flush=True)
        for scenario in asked.fault:
            aws.break_(scenario)
            print(f"# {scenarios()[scenario].title}: {scenarios()[scenario].alarm} is in ALARM", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("# stopped", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox.aws", description=__doc__)
    parser.add_argument("--port", type=int, default=5555)
    parser.add_argument("--webhook", metavar="URL", help="where alarms are posted to")
    parser.add_argument("--shape", choices=("sns", "eventbridge"), default="sns")
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="a step of time (default 2)")
    parser.add_argument("--break", dest="fault", action="append", default=[], choices=tuple(scenarios()))
    return parser


if __name__ == "__main__":
    main()
