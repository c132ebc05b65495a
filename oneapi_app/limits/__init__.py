"""How often one address may ask: sliding windows, in memory and, where there is Redis, shared by all nodes."""
