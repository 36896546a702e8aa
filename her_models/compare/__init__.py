"""Comparing sessions: two of them turn by turn, or two groups of them with statistics, and watching for change.

What belongs here: where a difference of cost comes from (`waterfall`) and two sessions side by side (`pairs`). What
does not: the measures themselves, which are columns of `session_comparison` and `session_parts`.
"""
