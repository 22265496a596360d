"""`python -m deploy.sandbox.identity --port 8300`: the issuer as a program of its own."""

from __future__ import annotations

import argparse
import contextlib
import threading

from deploy.sandbox.identity import Identity


def main() -> None:
    """Serve until interrupted, and say how to point the bot here."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox.identity", description=__doc__)
    parser.add_argument("--port", type=int, default=8300)
    chosen = parser.parse_args()
    # Said only once it listens, so that whoever waits for this line can connect.
    with Identity(chosen.port) as issuer, contextlib.suppress(KeyboardInterrupt):
        print(" ".join(f"{name}={value}" for name, value in issuer.environment().items()), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
