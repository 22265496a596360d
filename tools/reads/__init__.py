"""Everything sayso can see. READS is the explicit table of what the model may call; nothing here changes anything."""
