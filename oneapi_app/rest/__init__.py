"""The management API's front: FastAPI plumbing around the routers of the domains."""
