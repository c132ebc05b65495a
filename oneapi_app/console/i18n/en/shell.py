"""t"""
TEXTS = {"hello": "Hello {n}"}
