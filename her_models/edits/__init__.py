"""Which of the lines that tools wrote into files were still there when a session ended.

What belongs here: following lines from edit to edit (`walk`), and the table made of it (`build`). What does not: what
later sessions did to them (`sql/reports/comparison_survival.sql`), or whether an edit was waste (`waste`).
"""
