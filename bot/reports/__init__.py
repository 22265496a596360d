"""Documents people forward: what an investigation found, an incident from its first alert to its end, and the draft
of a post-mortem. Values are gathered here, words stand in `templates`; how a command or a modal shows them is theirs.
"""
