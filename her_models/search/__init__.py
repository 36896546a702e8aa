"""Search over everything that was said and done: what a person wrote (`pattern`), the index (`index`), hits (`hits`).

The index is a help, never the truth: it holds each distinct text of the lake once, and what it does not hold yet is
scanned, so that a search finds the same with or without it.
"""
