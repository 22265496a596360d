"""What `sayso doctor` sees of the model: whether its server answers, and offers the one that is named."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

from bot.doctor.findings import CALL_SECONDS, Ailment, Check, Status, checked, skipped
from bot.settings import Settings, is_loopback


def look(settings: Settings) -> Iterator[Check]:
    """One check. Asks for the list of models, never for an answer."""
    model = settings.model_settings()
    if model is None:
        yield skipped("model", "no SAYSO_MODEL: the built-in rules investigate")
        return
    key = model.api_key.get_secret_value()

    def listed() -> str:
        names = _models(model.base_url, key)
        if names and model.name not in names:
            raise Ailment(f"{model.base_url} does not offer {model.name}", Status.MISSING)
        return f"{model.name} at {model.base_url}"

    yield checked("model", "check OPENAI_BASE_URL, OPENAI_API_KEY and SAYSO_MODEL", listed, ValueError)


def _models(base_url: str, key: str) -> list[str]:
    """The names of the models on offer; none where the API has no list."""
    request = urllib.request.Request(f"{base_url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - http(s) by Settings
    # A proxy of the environment cannot reach our loopback.
    proxies = urllib.request.ProxyHandler({} if is_loopback(base_url) else None)
    try:
        with urllib.request.build_opener(proxies).open(request, timeout=CALL_SECONDS) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                return []
            raise Ailment(f"{base_url} answered {error.code} {error.reason}") from error
    offered = answer.get("data", []) if isinstance(answer, dict) else []
    return [str(each.get("id")) for each in offered if isinstance(each, dict)]
