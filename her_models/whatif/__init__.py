"""What would have been billed: the requests of a session replayed under another policy.

`sequence` holds the requests and the blocks of their prompts in arrays, `replay` prices them under a plan, `policies`
makes plans, `table` runs them for many sessions. `docs/whatif.md` says what a figure means and what it leaves out.
"""
