"""Converse, and carry the work from alert to record. Nothing outside `deploy` and the tests imports from here."""
