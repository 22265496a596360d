"""The `sayso` command. What its words do is in `bot.cli`; nothing else belongs here."""

from __future__ import annotations

from bot.cli import sayso


def main() -> None:
    """Run the command line."""
    sayso(prog_name="sayso")


if __name__ == "__main__":
    main()
