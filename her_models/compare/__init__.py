"""Comparing sessions: two of them turn by turn, or two groups of them with statistics, and watching for change.

What belongs here: which sessions are meant (`groups`, `presets`), where a difference of cost comes from (`waterfall`),
two sessions side by side (`pairs`, `similarity`), what may be said of two groups (`verdicts`, `statistics`,
`matching`), since when something differs (`watch`), what runs every night (`nightly`), and how it is told (`report`,
`charts`, `words`). What does not: the measures, which are columns of `session_comparison` and `session_parts`.
"""
