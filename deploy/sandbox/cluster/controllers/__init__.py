"""The parts of the cluster that act by themselves, one module each; `loop` calls them when something concerns them."""
