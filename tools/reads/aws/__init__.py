"""What sayso can see of AWS: one module a service, `look` for the whole picture around an alarm, READS for the model.

Only describes, gets and lists. Text from outside leaves here redacted; what could not be read becomes a gap.
"""
