"""Pure numbers and shapes over what was read: log lines, their templates. Judges nothing and reads nothing."""
