"""Vendors that speak OpenAI's format at addresses of their own: what differs, as rows.

Names, addresses, model lists and key formats are facts of the original's channel types (``data``).
"""

from collections.abc import Mapping

from oneapi_app.providers.base import BalanceQuery, Operation
from oneapi_app.providers.openai_like import WITHOUT_V1

_CHAT_ONLY_PATHS = {
    27: "/v1/text/chatcompletion_v2",  # MiniMax
    41: "/chat/completions",  # Novita
    47: "/v2/chat/completions",  # Baidu Qianfan v2
}
SPECIAL_ENDPOINTS: Mapping[int, Mapping[Operation, str]] = {
    **{id: {Operation.CHAT: path} for id, path in _CHAT_ONLY_PATHS.items()},
    40: {Operation.CHAT: "/api/v3/chat/completions", Operation.EMBEDDINGS: "/api/v3/embeddings"},  # Doubao
    49: {
        Operation.CHAT: "/compatible-mode/v1/chat/completions",
        Operation.EMBEDDINGS: "/compatible-mode/v1/embeddings",
    },  # Bailian
    50: WITHOUT_V1,
    51: WITHOUT_V1,
}
EXTRA_HEADERS: Mapping[int, tuple[tuple[bytes, bytes], ...]] = {
    20: (
        (b"http-referer", b"https://github.com/songquanpeng/one-api"),
        (b"x-title", b"One API"),
    ),
}
BALANCES: Mapping[int, BalanceQuery] = {
    1: BalanceQuery.OPENAI,
    4: BalanceQuery.CLOSEAI,
    5: BalanceQuery.OPENAI_SB,
    8: BalanceQuery.OPENAI,
    10: BalanceQuery.AIPROXY,
    12: BalanceQuery.API2GPT,
    13: BalanceQuery.AIGC2D,
    20: BalanceQuery.OPENROUTER,
    36: BalanceQuery.DEEPSEEK,
    44: BalanceQuery.SILICONFLOW,
}
