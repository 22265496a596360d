"""A fresh sign-in, where Slack alone is too weak a proof: the one-time link, the issuer it leads to, and its pages."""
