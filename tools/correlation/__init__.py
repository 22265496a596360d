"""Which alerts are the same, which belong to one trouble, and where a storm of them may come from. Pure judgement over
values: what is on record, and what becomes of the answer, is the callers'.

The weights follow the detection fact sheet, section 7. They are design, not measurement: `tests/storms.py` tests the
code with storms it makes up, and says nothing about the world's.
"""
