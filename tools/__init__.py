"""See and do: what is true of the world, how to read it, judge it and change it. Knows nothing of Slack or people."""
