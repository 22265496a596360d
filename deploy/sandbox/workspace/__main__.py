"""`python -m deploy.sandbox.workspace --port 8190 [--http-url URL]`: the workspace as a program of its own."""

from __future__ import annotations

import argparse

from deploy.sandbox.workspace import APP_TOKEN, BOT_TOKEN, Switches, Workspace


def main() -> None:
    """Serve a workspace until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox.workspace", description=__doc__)
    parser.add_argument("--port", type=int, default=8190)
    parser.add_argument("--http-url", default="", help="deliver signed HTTP requests to this URL, not by Socket Mode")
    parser.add_argument("--base-url", default="", help="how others reach this server, for the links it hands out")
    parser.add_argument("--control-token", default="", help="guard the control API and the page with this token")
    parser.add_argument("--rates", action="store_true", help="keep Slack's one message a second for each channel")
    options = parser.parse_args()
    switches = Switches(request_url=options.http_url, posting_rate=options.rates)
    workspace = Workspace(options.port, switches, options.base_url, options.control_token)
    print(f"workspace {workspace.url}/\nSLACK_API_URL={workspace.api_url}", flush=True)
    print(f"SLACK_BOT_TOKEN={BOT_TOKEN}\nSLACK_APP_TOKEN={APP_TOKEN}", flush=True)
    workspace.serve_forever()


if __name__ == "__main__":
    main()
