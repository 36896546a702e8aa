"""The ledger: every billed token belongs to a block, a price class and a lane.

    lineage   which requests extend which, and the blocks of each prompt in order
    sizes     how many tokens a block is, from exact growth and measured densities
    position  tokens and money by position: pure integer arithmetic, no knowledge of logs
    misses    which positions should have been read from cache, and why they were not
    recovery  output that the log lost
    layout    where every block stood in every prompt, for whoever goes on from the walk
    reading   the walk: models in, layout out; for a run, or for one session of a lake that is there
    build     the layout priced: the ledger's tables

Definitions: docs/ledger.md. Money is integer picodollars throughout (10^12 are one US dollar).
"""
