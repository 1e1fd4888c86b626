"""The rule of the experiments: what the numbers after a change are."""


def concluded(before, after):
    """What the numbers after a change are: "higher", "lower" or "unclear"."""
    if min(after) > max(before):
        return "higher"
    return "lower" if max(after) < min(before) else "unclear"
