"""The table `what_ifs` of whole lakes: public sessions, runs whose bill is known, and made-up ones."""

from __future__ import annotations

import pytest

from tests.lakes import row, rows

NET_THAT_DOES_NOT_ADD_UP = """
    select session_id
    from what_ifs
    group by source_id, session_id
    having
        coalesce(sum(net_saving_usd) filter (policy <> 'remove.all'), 0)
        <> coalesce(any_value(billed_usd - replay_usd) filter (policy = 'remove.all'), 0)
"""
GROSS_THAT_IS_NO_DIFFERENCE = """
    select session_id, policy from what_ifs where gross_saving_usd <> billed_usd - replay_usd or low_usd > high_usd
"""
SESSIONS_WITHOUT_A_ROW = """
    select session_id from sessions where billed_usd > 0
    and (source_id, session_id) not in (select (source_id, session_id) from what_ifs where policy = 'identity')
"""


@pytest.mark.parametrize("logs", ["sessions_lake", "ground_truth_lake", "demo_lake"])
def test_every_session_of_whole_lakes_gives_its_bill_back_and_its_net_savings_add_up(
    logs: str, request: pytest.FixtureRequest
) -> None:
    config = request.getfixturevalue(logs)
    assert row(config, "select count(*) > 10, bool_and(is_identity) from what_ifs where policy = 'identity'") == (
        True,
        True,
    )
    assert rows(config, SESSIONS_WITHOUT_A_ROW) == []
    assert rows(config, "select session_id from what_ifs where policy = 'identity' and replay_usd <> billed_usd") == []
    assert rows(config, NET_THAT_DOES_NOT_ADD_UP) == []
    assert rows(config, GROSS_THAT_IS_NO_DIFFERENCE) == []
