"""The driver: ask, train, report, tell, and keep it all so that nothing is lost."""
