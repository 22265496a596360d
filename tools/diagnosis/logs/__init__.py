"""What log lines say about why something fails: families of errors, each with the words programs use for it.

`recognise(lines)` is the whole of it. Pure, and sceptical: a line that says something worked, that tells of a setting
or of another's error page says nothing. A log is text anybody may have written: a family is a lead, never a proof.
"""

from tools.diagnosis.logs.families import Family, LogFinding
from tools.diagnosis.logs.recognising import recognise

__all__ = ["Family", "LogFinding", "recognise"]
