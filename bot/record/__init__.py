"""The record as told to people: the account of a plan, and the table for those who audit."""
