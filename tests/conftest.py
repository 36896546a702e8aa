"""What all tests share: no test is a stopwatch, so that a slow machine fails none."""

from hypothesis import settings

settings.register_profile("her", deadline=None)
settings.load_profile("her")
