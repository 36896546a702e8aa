"""Output that the log lost: never below what was logged, weighed by what each witness is worth."""

from her_models.ledger.recovery import Output, Witness, recovered_output, sum_interval


def witness(logged, *, is_complete=False, visible=0, growth=None, others=0):
    return Witness(logged, is_complete, visible, growth, others)


def test_a_finished_response_keeps_its_logged_figure():
    assert recovered_output(witness(200, is_complete=True, visible=210, growth=300, others=80)) == Output(
        200, 200, 200, True
    )


def test_a_placeholder_is_replaced_by_what_content_and_growth_say():
    output = recovered_output(witness(2, visible=500, growth=600, others=100))
    assert not output.is_logged
    assert 480 <= output.tokens <= 520
    assert output.low <= 500 <= output.high


def test_a_finished_response_that_its_content_contradicts_is_not_believed():
    assert not recovered_output(witness(3, is_complete=True, visible=900)).is_logged


def test_an_unfinished_response_whose_figure_explains_its_content_is_believed():
    assert recovered_output(witness(505, visible=500)).is_logged


def test_growth_that_holds_hidden_content_does_not_overrule_the_content():
    assert recovered_output(witness(2, visible=100, growth=9_000, others=50)).tokens == 100


def test_an_estimate_never_falls_below_what_was_logged():
    output = recovered_output(witness(300, visible=500, growth=400, others=350))
    assert output.low >= 300
    assert output.tokens >= output.low


def test_without_any_witness_the_logged_figure_is_all_there_is():
    assert recovered_output(witness(4)) == Output(4, 4, 4, False)


def test_a_sum_states_the_error_that_its_parts_share():
    assert sum_interval([Output(100, 90, 110, False), Output(100, 90, 110, False)]) == (200, 179, 221)
