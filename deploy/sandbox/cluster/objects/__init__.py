"""Kubernetes objects at rest: kinds, schema, defaults, validation, patches, ownership, and their store."""
