"""Suites of expectations, one module per table; `suite` says what they are made of, `asset_checks` runs them."""
