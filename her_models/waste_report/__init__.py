"""The report on waste: what of a bill was useful, overhead, waste and unexplained, and what to change to pay less.

    questions  what the report asks, and whose sessions it looks at
    words      labels, sentences, method and limits
    pages      the report as a document: HTML and Markdown
    records    the report as rows and plain values: CSV and JSON

What does not belong here: how waste is found (`waste`, `sql/`), what is advised (`advice`), how documents are written
(`documents`).
"""
