"""How we find out: the rules always, a model on top of them where one is set. Reads only; nothing here may write."""
