"""One API in Python: an LLM API gateway and key-management system."""

__version__ = "1.0.0"
