"""Advice: what to change to pay less, in the words of `patterns.toml` and with the cases that prove it.

    patterns  the named patterns: what is looked for, what ends it, how to undo it
    pieces    which patterns fire in a scope, and what ending them is expected to save per week
    outcomes  changes that somebody says were made, and whether the bill shows it

Advice is silent unless a named pattern fires: in at least three sessions, for at least ten cents a week and half a
percent of the bill. It speaks of money that findings, misses and what-ifs have already counted; it counts nothing anew.
"""
