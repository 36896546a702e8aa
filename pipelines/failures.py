"""How a step of Dagster's fails: what waiting mends is tried again, what a person has to mend says so and ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from her_models.errors import HerError, LakeBusy

MOST_RETRIES = 4
FIRST_PAUSE_SECONDS = 5


@contextmanager
def explained(retry_number: int) -> Iterator[None]:
    """Turn Her's errors into Dagster's: a busy catalog is tried again after ever longer pauses, the rest is not.

    Raises:
        RetryRequested: others write to the lake.
        Failure: anything else that Her can explain, with its message.
    """
    try:
        yield
    except LakeBusy as error:
        pause = FIRST_PAUSE_SECONDS * 2**retry_number
        raise dg.RetryRequested(max_retries=MOST_RETRIES, seconds_to_wait=pause) from error
    except HerError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
