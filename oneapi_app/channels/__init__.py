"""Channels: upstream vendors with a credential, the models they serve, and their health."""
