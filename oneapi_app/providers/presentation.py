"""What people see of a vendor: its name in English where the original only has a Chinese one, and where to get a key.

Pure data beside the registry; relaying never reads it.
"""

from collections.abc import Mapping

from oneapi_app.providers.base import BalanceQuery, Provider

_ENGLISH: Mapping[int, str] = {
    2: "API2D (proxy)",
    4: "CloseAI (proxy)",
    5: "OpenAI-SB (proxy)",
    6: "OpenAI Max (proxy)",
    7: "OhMyGPT (proxy)",
    8: "Custom",
    9: "AI.LS (proxy)",
    10: "AI Proxy (proxy)",
    12: "API2GPT (proxy)",
    13: "AIGC2D (proxy)",
    15: "Baidu Qianfan",
    16: "Zhipu GLM",
    17: "Alibaba Qwen",
    18: "iFlytek Spark",
    19: "360 Zhinao",
    21: "AI Proxy (knowledge base)",
    22: "FastGPT (knowledge base)",
    23: "Tencent Hunyuan",
    26: "Baichuan",
    31: "01.AI",
    32: "StepFun",
    40: "Volcengine (Doubao)",
    47: "Baidu Qianfan V2",
    48: "iFlytek Spark V2",
    49: "Alibaba Cloud Bailian",
    50: "OpenAI compatible",
}
KEY_PAGES: Mapping[int, str] = {
    1: "https://platform.openai.com/api-keys",
    3: "https://portal.azure.com",
    14: "https://console.anthropic.com/settings/keys",
    15: "https://console.bce.baidu.com/qianfan",
    16: "https://open.bigmodel.cn/usercenter/apikeys",
    17: "https://dashscope.console.aliyun.com/apiKey",
    18: "https://console.xfyun.cn",
    19: "https://ai.360.cn",
    20: "https://openrouter.ai/settings/keys",
    22: "https://fastgpt.run",
    23: "https://console.cloud.tencent.com/cam/capi",
    24: "https://aistudio.google.com/apikey",
    25: "https://platform.moonshot.cn/console/api-keys",
    26: "https://platform.baichuan-ai.com/console/apikey",
    27: "https://platform.minimaxi.com/user-center/basic-information/interface-key",
    28: "https://console.mistral.ai/api-keys",
    29: "https://console.groq.com/keys",
    30: "https://ollama.com/download",
    31: "https://platform.lingyiwanwu.com/apikeys",
    32: "https://platform.stepfun.com/interface-key",
    33: "https://console.aws.amazon.com/bedrock",
    34: "https://www.coze.com/open/oauth/pats",
    35: "https://dashboard.cohere.com/api-keys",
    36: "https://platform.deepseek.com/api_keys",
    37: "https://dash.cloudflare.com/profile/api-tokens",
    38: "https://www.deepl.com/your-account/keys",
    39: "https://api.together.ai/settings/api-keys",
    40: "https://console.volcengine.com/ark",
    41: "https://novita.ai/settings/key-management",
    42: "https://console.cloud.google.com/vertex-ai",
    44: "https://cloud.siliconflow.cn/account/ak",
    45: "https://console.x.ai",
    46: "https://replicate.com/account/api-tokens",
    47: "https://console.bce.baidu.com/qianfan",
    48: "https://console.xfyun.cn",
    49: "https://bailian.console.aliyun.com",
    51: "https://aistudio.google.com/apikey",
}
_CURRENCIES: Mapping[BalanceQuery, tuple[str, float]] = {
    BalanceQuery.OPENAI: ("$", 1),
    BalanceQuery.OPENROUTER: ("$", 1),
    BalanceQuery.CLOSEAI: ("¥", 1),
    BalanceQuery.API2GPT: ("¥", 1),
    BalanceQuery.DEEPSEEK: ("¥", 1),
    BalanceQuery.SILICONFLOW: ("¥", 1),
    BalanceQuery.OPENAI_SB: ("¥", 10_000),
    BalanceQuery.AIPROXY: ("", 1),
    BalanceQuery.AIGC2D: ("", 1),
}


def titles(provider: Provider) -> dict[str, str]:
    """By language."""
    return {"zh": provider.title, "en": _ENGLISH.get(provider.id, provider.title)}


def balance_text(provider: Provider, balance: float) -> str:
    """A stored balance in the vendor's currency; empty where the vendor does not tell (contract §11.2)."""
    if provider.balance is None:
        return ""
    symbol, parts = _CURRENCIES[provider.balance]
    return f"{symbol}{balance / parts:.2f}"
