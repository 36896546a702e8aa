"""Lineages: which blocks a prompt holds, in order, to the token."""

from hypothesis import given
from hypothesis import strategies as st

from her_models.ledger.lineage import ExactWalk, Item, Request, lineages
from her_models.ledger.sizes import Estimate


def size(tokens):
    return Estimate(tokens, tokens // 2, tokens * 2)


def request(read, write, output, **more):
    return Request(read, 0, write, 0, output, **more)


def layout(lineage):
    segment = lineage.segments[-1]
    return [(lineage.placed[b].kind, n) for b, n in zip(segment.blocks, segment.sizes, strict=True)]


def test_the_first_prompt_measures_what_no_line_shows():
    (only,) = lineages([Item(0, "prompt", size(100))], [request(0, 20_100, 50)], [1])
    assert layout(only) == [("system", 20_000), ("prompt", 100)]


def test_growth_is_the_billed_output_and_the_result_to_the_token():
    items = [
        Item(0, "prompt", size(100)),
        Item(1, "tool_call", size(70), request=0),
        Item(2, "tool_result", size(900)),
    ]
    (only,) = lineages(items, [request(0, 20_100, 50), request(20_100, 1_000, 10)], [1, 3])
    # The call takes the 50 tokens billed for it, not its estimate; 50 tokens came that no line shows.
    assert layout(only) == [
        ("system", 20_000),
        ("prompt", 100),
        ("tool_call", 50),
        ("tool_result", 900),
        ("hidden", 50),
    ]
    assert only.segments[-1].expected == [0, 20_100]


def test_estimates_above_the_growth_are_scaled_to_it():
    items = [Item(0, "prompt", size(100)), Item(1, "tool_result", size(300)), Item(2, "tool_result", size(100))]
    (only,) = lineages(items, [request(0, 1_000, 0), request(1_000, 200, 0)], [1, 3])
    assert layout(only)[2:] == [("tool_result", 150), ("tool_result", 50)]


def test_compaction_begins_a_lineage_on_the_same_static_prefix():
    items = [
        Item(0, "prompt", size(100)),
        Item(1, "text", size(5_000), request=0),
        Item(2, "compact_summary", size(400), cut="compact"),
    ]
    first, second = lineages(items, [request(0, 20_100, 5_000), request(20_000, 400, 10)], [1, 3])
    assert (first.cut, second.cut) == ("start", "compact")
    assert layout(second) == [("system", 20_000), ("compact_summary", 400)]
    assert second.segments[0].expected == [20_000]


def test_where_only_the_command_is_logged_a_shorter_prompt_shows_that_it_was_obeyed():
    def items():
        yield Item(0, "prompt", size(100))
        yield Item(1, "text", size(300), request=0)
        yield Item(2, "command", size(50), asks_compaction=True)

    first, second = lineages(list(items()), [request(0, 20_100, 300), request(15_000, 5_090, 10)], [1, 3])
    assert (first.cut, second.cut) == ("start", "compact")
    assert layout(second) == [("system", 20_000), ("command", 50), ("hidden", 40)]
    (only,) = lineages(list(items()), [request(0, 20_100, 300), request(20_100, 350, 10)], [1, 3])
    assert layout(only)[-1] == ("command", 50)


def test_what_was_read_after_a_compaction_shows_where_the_static_prefix_ends():
    items = [Item(0, "prompt", size(100)), Item(1, "compact_summary", size(400), cut="compact")]
    _, second = lineages(items, [request(0, 20_100, 5_000), request(15_000, 5_400, 10)], [1, 2])
    assert second.segments[0].expected == [15_000]
    _, second = lineages(items, [request(0, 20_100, 5_000), request(0, 20_400, 10)], [1, 2])
    assert second.segments[0].expected == [20_000]


def test_an_interval_holds_what_is_left_over_beside_the_block_and_never_more_than_the_growth():
    items = [Item(0, "prompt", size(100)), Item(1, "tool_result", size(300)), Item(2, "tool_result", size(200))]
    (only,) = lineages(items, [request(0, 1_000, 0), request(1_000, 550, 0)], [1, 3])
    first, second = (only.placed[block] for block in only.segments[-1].blocks[2:4])
    assert (first.low, first.high) == (150, 550)  # twice its estimate would be more than the prompt grew
    assert (second.low, second.high) == (100, 400)
    (only,) = lineages(items, [request(0, 1_000, 0), request(1_000, 1_100, 0)], [1, 3])
    assert only.placed[only.segments[-1].blocks[3]].high == 800  # 200, and 600 that no line shows


def test_behind_a_prefix_that_was_measured_by_estimates_growth_binds_no_interval():
    # The prefix was measured beside a prompt of likely 100 tokens, and so is off by what the prompt is off.
    items = [Item(0, "prompt", size(100)), Item(1, "compact_summary", size(400), cut="compact")]
    first, second = lineages(items, [request(0, 20_100, 5_000), request(20_000, 300, 10)], [1, 2])
    prompt, summary = (lineage.placed[lineage.segments[-1].blocks[1]] for lineage in (first, second))
    assert layout(second)[1] == ("compact_summary", 300)
    assert ((prompt.low, prompt.high), (summary.low, summary.high)) == ((50, 200), (200, 800))


def test_a_rewound_prompt_keeps_only_what_stood_before_it():
    items = [
        Item(0, "prompt", size(100), uuid="a", is_prompt=True),
        Item(1, "text", size(300), request=0, uuid="b", parent="a"),
        Item(2, "prompt", size(50), uuid="c", parent="b", is_prompt=True),
        Item(3, "text", size(300), request=1, uuid="d", parent="c"),
        Item(4, "prompt", size(60), uuid="e", parent="b", is_prompt=True),
    ]
    requests = [request(0, 1_100, 300), request(1_100, 350, 300), request(1_400, 60, 10)]
    _, second = lineages(items, requests, [1, 3, 5])
    assert second.cut == "rewind"
    assert layout(second) == [("system", 1_000), ("prompt", 100), ("text", 300), ("prompt", 60)]
    assert second.segments[0].expected == [1_400]


def test_what_was_read_beyond_a_branch_proves_that_nothing_was_rewound():
    items = [
        Item(0, "prompt", size(100), uuid="a", is_prompt=True),
        Item(1, "text", size(300), request=0, uuid="b", parent="a"),
        Item(2, "prompt", size(60), uuid="e", parent="a", is_prompt=True),
    ]
    assert len(lineages(items, [request(0, 1_100, 300), request(1_150, 310, 10)], [1, 3])) == 1


def test_thinking_leaves_first_when_a_prompt_shrinks():
    items = [
        Item(0, "prompt", size(100)),
        Item(1, "thinking", size(200), request=0),
        Item(2, "text", size(100), request=0),
        Item(3, "tool_result", size(400)),
    ]
    requests = [request(0, 1_100, 300), request(1_100, 700, 0), request(1_100, 500, 0)]
    (only,) = lineages(items, requests, [1, 4, 4])
    assert layout(only)[2:4] == [("thinking", 0), ("text", 100)]
    assert only.segments[1].expected == [1_100]


def test_thinking_makes_room_for_what_comes_in_unless_it_was_read_from_cache():
    items = [
        Item(0, "prompt", size(100)),
        Item(1, "thinking", size(200), request=0),
        Item(2, "text", size(100), request=0),
        Item(3, "prompt", size(80)),
    ]
    first, second = request(0, 1_100, 300), request(1_100, 300, 0)
    # 1,400 stood; thinking of 200 left and a prompt of 80 came: 1,280.
    (only,) = lineages(items, [first, second, request(1_100, 180, 0)], [1, 3, 4])
    assert layout(only)[2:] == [("thinking", 0), ("text", 100), ("prompt", 80)]
    (only,) = lineages(items, [first, second, request(1_200, 80, 0)], [1, 3, 4])
    assert layout(only)[2:4] == [("thinking", 80), ("text", 100)]


def test_parts_that_stand_in_both_prompts_keep_their_place_when_the_prompt_is_known():
    tools, system = Item(-1, "tool_schema", size(500)), Item(-1, "system", size(500))
    hello, answer = Item(0, "prompt", size(100)), Item(1, "text", size(100))
    walk = ExactWalk([request(0, 1_100, 100), request(1_100, 120, 0)])
    walk.extend([tools, system, hello], 0, 0, None)
    walk.extend([tools, system, hello, answer], 3, 1, None)
    (only,) = walk.lineages
    assert layout(only) == [("tool_schema", 500), ("system", 500), ("prompt", 100), ("text", 120)]


def test_what_nothing_explains_in_a_known_prompt_stays_where_it_appeared():
    """1,000 tokens of parts that can be 100 at most: 900 are hidden, and stand before what comes next."""
    hello, answer, other = (Item(row, "prompt", size(100)) for row in range(3))
    walk = ExactWalk([request(0, 1_000, 100), request(1_000, 100, 0), request(1_000, 100, 0)])
    walk.extend([hello], 0, 0, None)
    walk.extend([hello, answer], 1, 1, None)
    walk.extend([hello, other], 1, 2, None)
    first, second = walk.lineages
    assert layout(first) == [("prompt", 100), ("hidden", 900), ("prompt", 100)]
    assert (second.cut, layout(second)) == ("rewind", [("prompt", 100), ("hidden", 900), ("prompt", 100)])


@st.composite
def threads(draw):
    items, requests, order = [], [], []
    prompt = 0
    kinds = ("prompt", "tool_result", "reminder")
    for index in range(draw(st.integers(1, 8))):
        if index and draw(st.booleans()):
            items.append(
                Item(len(items), "text", size(draw(st.integers(0, 500))), request=index - 1, uuid=f"u{len(items)}")
            )
        for _ in range(draw(st.integers(0, 3))):
            cut = draw(st.sampled_from([None] * 9 + ["compact"]))
            parent = draw(st.sampled_from([None, *(i.uuid for i in items)]))
            kind = draw(st.sampled_from(kinds))
            items.append(
                Item(len(items), kind, size(draw(st.integers(0, 900))), uuid=f"u{len(items)}", parent=parent,
                     is_prompt=kind == "prompt", cut=cut)
            )  # fmt: skip
        order.append(len(items))
        prompt = max(0, prompt + draw(st.integers(-600, 2_000)))
        cuts = sorted(draw(st.lists(st.integers(0, prompt), min_size=3, max_size=3)))
        requests.append(
            Request(cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], prompt - cuts[2], draw(st.integers(0, 700)),
                    draw(st.integers(0, 100)), draw(st.booleans()))
        )  # fmt: skip
    return items, requests, order


@given(threads())
def test_every_prompt_is_filled_to_the_token_and_every_request_has_one_place(thread):
    items, requests, order = thread
    found = lineages(items, requests, order)
    assert sorted(r for lineage in found for r in lineage.requests) == list(range(len(requests)))
    for lineage in found:
        for segment in lineage.segments:
            assert min(segment.sizes, default=0) >= 0
            if segment.requests:
                assert sum(segment.sizes) == max(requests[r].prompt for r in segment.requests)
            for r, expected in zip(segment.requests, segment.expected, strict=True):
                assert 0 <= expected <= sum(segment.sizes) or expected <= requests[r].prompt
