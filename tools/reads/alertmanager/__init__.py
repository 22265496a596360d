"""Alerts and silences as Alertmanager has them. Read-only."""
