"""The fake platform that ships with earmark: invented people who talk about an invented brand.

A small server on loopback speaks the Mastodon API, serves feeds and a Hacker News search, so that
a first start is useful without an account and without a network. Listeners and responders are
tested against the same server (`earmark.demo.testing`).
"""
