"""Pages of a list as statements skip rows: whatever number somebody asks for."""

FARTHEST = 2**31 - 1


def offset_of(page: int, size: int) -> int:
    """Rows before this page, counted from 0. What is beyond everything stays a number that every engine takes."""
    return min(max(page, 0) * size, FARTHEST)
