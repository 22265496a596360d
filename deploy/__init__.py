"""Run it somewhere: images, charts, cloud templates, dashboards, and the laptop world. Never shipped in the wheel."""
