"""The record: tables, and the functions that change them under a session. Decides nothing."""
