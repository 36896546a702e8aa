"""Waste: which billed tokens bought nothing, found by rules that state what they count.

    rules     every kind of finding once: label, confidence, version, remedy, measured precision
    tables    names and columns of the tables made here
    cells     claims against positions: each cell gets at most one label, and an exact price
    build     reads the claims and the ledger's layout, writes the tables

Detectors are the SQL models `int_waste_*`. Definitions: docs/waste.md. Money is integer picodollars throughout.
"""
