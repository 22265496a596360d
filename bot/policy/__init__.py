"""The rules in force: which version decides, how another one takes its place, and who has to agree to that."""
