"""What people do when the ordinary way is too slow or too fast: break the glass, and stop everything."""
