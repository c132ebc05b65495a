"""Vendors whose channels can be kept and listed, but whose dialect is not spoken here yet: no endpoints."""

from oneapi_app.convert.failures import classify_openai
from oneapi_app.errors import ConversionError
from oneapi_app.providers.base import (
    ClientRequest,
    ConfigField,
    Dialect,
    Provider,
    Route,
    UpstreamRequest,
)
from oneapi_app.providers.openai_like import BEARER_KEY, make_converter


def _build(provider: Provider, _request: ClientRequest, _route: Route) -> UpstreamRequest:
    raise ConversionError(f"{provider.title} channels cannot be relayed to yet")


def _unspoken(
    id: int,
    slug: str,
    title: str,
    base_url: str,
    *,
    owned_by: str,
    key_format: str = BEARER_KEY,
    config_fields: tuple[ConfigField, ...] = (),
    legacy_other: str | None = None,
) -> Provider:
    return Provider(
        id=id,
        slug=slug,
        title=title,
        base_url=base_url,
        dialect=Dialect.OPENAI,
        endpoints={},
        builder=_build,
        make_converter=make_converter,
        classifier=classify_openai,
        owned_by=owned_by,
        key_format=key_format,
        config_fields=config_fields,
        legacy_other=legacy_other,
    )


def _secret(name: str) -> ConfigField:
    return ConfigField(name, secret=True, required=True)


_COMPOSED = "UI stores {}; backend ignores key and reads config"
PROVIDERS = (
    _unspoken(
        11,
        "palm",
        "PaLM2",
        "https://generativelanguage.googleapis.com",
        owned_by="google palm",
        key_format="Google API key (x-goog-api-key)",
    ),
    _unspoken(
        15,
        "baidu",
        "百度文心千帆",
        "https://aip.baidubce.com",
        owned_by="baidu",
        key_format="APIKey|SecretKey (exchanged for access_token)",
    ),
    _unspoken(
        16,
        "zhipu",
        "智谱 ChatGLM",
        "https://open.bigmodel.cn",
        owned_by="zhipu",
        key_format="id.secret (used to sign a JWT)",
    ),
    _unspoken(
        17,
        "ali",
        "阿里通义千问",
        "https://dashscope.aliyuncs.com",
        owned_by="ali",
        config_fields=(ConfigField("plugin"),),
        legacy_other="plugin",
    ),
    _unspoken(
        18,
        "xunfei",
        "讯飞星火认知",
        "",
        owned_by="xunfei",
        key_format="APPID|APISecret|APIKey",
        config_fields=(ConfigField("api_version"),),
        legacy_other="api_version",
    ),
    _unspoken(
        21,
        "aiproxy-library",
        "知识库：AI Proxy",
        "https://api.aiproxy.io",
        owned_by="aiproxy",
        config_fields=(ConfigField("library_id"),),
        legacy_other="library_id",
    ),
    _unspoken(
        23,
        "tencent",
        "腾讯混元",
        "https://hunyuan.tencentcloudapi.com",
        owned_by="tencent",
        key_format="AppId|SecretId|SecretKey (TC3-HMAC-SHA256)",
    ),
    _unspoken(
        33,
        "aws",
        "AWS",
        "",
        owned_by="aws",
        key_format=_COMPOSED.format("ak|sk|region"),
        config_fields=(ConfigField("region", required=True), _secret("ak"), _secret("sk")),
    ),
    _unspoken(
        34,
        "coze",
        "Coze",
        "https://api.coze.com",
        owned_by="coze",
        config_fields=(ConfigField("user_id", required=True),),
    ),
    _unspoken(35, "cohere", "Cohere", "https://api.cohere.ai", owned_by="Cohere"),
    _unspoken(
        37,
        "cloudflare",
        "Cloudflare",
        "https://api.cloudflare.com",
        owned_by="cloudflare",
        config_fields=(ConfigField("user_id", required=True),),
    ),
    _unspoken(
        38,
        "deepl",
        "DeepL",
        "https://api-free.deepl.com",
        owned_by="deepl",
        key_format="DeepL-Auth-Key value",
    ),
    _unspoken(
        42,
        "vertex-ai",
        "VertexAI",
        "",
        owned_by="vertexai",
        key_format=_COMPOSED.format("region|project|adc"),
        config_fields=(
            ConfigField("region", required=True),
            ConfigField("vertex_ai_project_id", required=True),
            _secret("vertex_ai_adc"),
        ),
    ),
    _unspoken(
        43,
        "proxy",
        "Proxy",
        "",
        owned_by="proxy",
        key_format="full Authorization header value (sent verbatim, no Bearer added)",
    ),
    _unspoken(46, "replicate", "Replicate", "https://api.replicate.com/v1/models/", owned_by="replicate"),
)
