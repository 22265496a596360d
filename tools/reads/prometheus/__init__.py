"""Metrics as Prometheus has them: queries, the rules that fire, the targets that are down. Read-only.

Values are the provider's own word; label values are not (a path, a user agent): they are redacted, and where one reads
like a sentence the whole piece counts as text.
"""
