"""Risky actions: which rules there are (`rules`), what matches (`build`), questions, and the case.

The table `audit_events` is made of what matches here and of what the log says by itself: redacted secrets, permission
modes. `case` puts a session or the whole lake together for somebody who has to verify it.
"""
