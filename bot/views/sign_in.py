"""The pages of a sign-in, as HTML: what exactly is decided, and what came of it. Every value is escaped.

They load nothing from anywhere, run no script, and are shown in no frame; those headers are `bot.sign_in.pages`'s.
"""

from __future__ import annotations

from html import escape

from pydantic import AwareDatetime

from bot.views.text import plain, utc
from tools.values import Value

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1d2b36}"
    "h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem}"
    "th{white-space:nowrap}td{word-break:break-word}"
    "pre{background:#f2f4f6;padding:.8rem;overflow:auto}button{font:inherit;padding:.5rem 1.2rem}"
    ".warn{border-left:4px solid #c0392b;padding-left:.8rem}"
)


class ShownStep(Value):
    """One action as compiled and rehearsed: what changes where, and how far it reaches."""

    title: str
    target: str
    changes: tuple[tuple[str, str, str], ...]
    """Path, before, after."""
    blast_radius: str
    undo: str


class Subject(Value):
    """What a sign-in decides: the plan as typed, never as somebody described it."""

    plan_id: str
    version: int
    digest: str
    incident: str
    service: str
    environment: str
    policy: str
    steps: tuple[ShownStep, ...]
    user_id: str
    reason: str | None
    breaks_glass: bool
    until: AwareDatetime


def start(subject: Subject, action: str) -> str:
    """Before the sign-in. A page by itself starts nothing: whoever previews links must not use this one up."""
    act = _form(action, {}, "Sign in and go on")
    return _page(f"Plan {subject.plan_id}", f"{_what(subject)}{act}")


def confirm(subject: Subject, action: str, proof: str) -> str:
    """After the sign-in: the last press, bound to these bytes."""
    verb = "Break the glass" if subject.breaks_glass else "Approve"
    signed = (
        f"<p>You have signed in as Slack user <b>{_said(subject.user_id)}</b>. Nothing counts before you confirm.</p>"
    )
    act = _form(action, {"proof": proof}, f"{verb}: exactly this")
    return _page(f"{verb} {subject.plan_id}", f"{signed}{_what(subject)}{act}")


def told(title: str, sentence: str) -> str:
    """What came of it, or why nothing did."""
    return _page(title, f"<p>{_said(sentence)}</p><p>You can close this page.</p>")


def _what(subject: Subject) -> str:
    rows = {
        "Incident": subject.incident,
        "Service": f"{subject.service} · {subject.environment}",
        "Policy": subject.policy,
        "Your reason": subject.reason or "–",
        "Version": str(subject.version),
        "Digest": subject.digest,
        "Link works until": utc(subject.until),
    }
    table = "".join(f"<tr><th>{_said(name)}</th><td>{_said(value)}</td></tr>" for name, value in rows.items())
    alone = '<p class="warn">This runs the plan <b>without</b> the approvals it needs. Everybody skipped is told.</p>'
    steps = "".join(_step(step) for step in subject.steps)
    return f"{alone if subject.breaks_glass else ''}{steps}<table>{table}</table>"


def _step(step: ShownStep) -> str:
    lines = [f"{path}: {before} → {after}" for path, before, after in step.changes]
    changes = "\n".join(escape(plain(line, 500)) for line in lines) or "–"
    reach = f"Blast radius: {_said(step.blast_radius)}<br>Undo: {_said(step.undo)}"
    facts = f"<p>Target: <b>{_said(step.target)}</b><br>{reach}</p>"
    return f"<h2>{_said(step.title)}</h2>{facts}<pre>{changes}</pre>"


def _form(action: str, hidden: dict[str, str], label: str) -> str:
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    return f'<form method="post" action="{escape(action)}">{fields}<button type="submit">{_said(label)}</button></form>'


def _page(title: str, body: str) -> str:
    metas = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head = f"<head>{metas}<title>{_said(title)} · sayso</title><style>{STYLE}</style></head>"
    return f'<!doctype html><html lang="en">{head}<body><h1>{_said(title)}</h1>{body}</body></html>'


def _said(value: str) -> str:
    """Anything as one harmless line."""
    return escape(plain(value, 1000))
