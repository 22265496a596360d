"""Judgement: whether an action may run, who must agree, and why. Pure functions over values."""
