"""Signing in with an account elsewhere: GitHub, OpenID Connect, Lark (Feishu), WeChat. See docs/sign-in.md."""
