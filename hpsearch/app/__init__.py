"""The verbs, one a module, and the only place where the parts are put together."""
