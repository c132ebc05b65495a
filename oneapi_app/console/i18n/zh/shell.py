"""t"""
TEXTS = {"hello": "你好 {n}"}
