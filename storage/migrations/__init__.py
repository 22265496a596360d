"""The history of the schema: each version a module of `versions`. `storage.database.migrate` runs them under a lock."""
