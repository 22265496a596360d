"""Seeing Kubernetes: a picture of a namespace for the rules, reads for the model, measurements for verification.

Nothing here judges (`tools.diagnosis.kubernetes`) or changes anything (`tools.writes.kubernetes`).
"""
