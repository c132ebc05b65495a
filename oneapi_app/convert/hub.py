"""The neutral form: what every dialect's reader produces and every dialect's writer takes."""

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """Token counts in disjoint classes; ``reasoning_tokens`` are part of ``output_tokens``."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def completion_tokens(self) -> int:
        return self.output_tokens
