"""What the pages say of a piece of advice beside what it says itself; pure functions from values to words."""

from __future__ import annotations

from her_models.advice.pieces import Piece


def saving_explained(piece: Piece) -> str:
    """Say what the expected saving and its interval rest on; without an interval there is nothing to say of one."""
    told = f"Class of the saving: {piece.confidence}. It is expected per week"
    if piece.low_usd == piece.high_usd:
        return f"{told}; these sessions give it no interval."
    joined = ["which sessions happened to be seen", "the interval of each case"]
    if piece.pattern.followed < 1:
        joined.append(f"that the change may end as little as {piece.pattern.followed:.0%} of the cases")
    return f"{told}; its interval joins {', '.join(joined[:-1])} and {joined[-1]}."
