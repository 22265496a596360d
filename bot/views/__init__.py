"""Values to Block Kit, pure: one file a surface. Nothing here talks to Slack, the database or the clock."""
