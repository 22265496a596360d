"""`python -m deploy.sandbox.model --port 8200 [--mode slow:5]`: the scripted model as a program of its own."""

from __future__ import annotations

import argparse
import contextlib
import threading

from deploy.sandbox.model import KEY, NAME, ScriptedModel
from deploy.sandbox.model.faults import MODES, mode


def main() -> None:
    """Serve until interrupted, and say how to point the bot here."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox.model", description=__doc__)
    parser.add_argument("--port", type=int, default=8200)
    parser.add_argument(
        "--mode", default="engineer", help=f"one of {', '.join(MODES)}; slow and http_error take :value"
    )
    chosen = parser.parse_args()
    try:
        script = mode(chosen.mode)
    except (KeyError, ValueError):
        parser.error(f"unknown mode {chosen.mode!r}: one of {', '.join(MODES)}")
    # Said only once it listens, so that whoever waits for this line can connect.
    with ScriptedModel(script, chosen.port) as model, contextlib.suppress(KeyboardInterrupt):
        print(f"OPENAI_BASE_URL={model.url} OPENAI_API_KEY={KEY} SAYSO_MODEL={NAME}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
