"""Front page, about, not found."""

TEXTS = {
    "about": "关于",
    "about_origin": "接口、数据库与 One API 兼容：原有的令牌、渠道、用户和客户端无需改动即可继续使用。",
    "about_text": "一个大模型接口网关：多个服务商的密钥汇聚于一处，对外提供统一的 OpenAI 兼容接口，按令牌计量、限额和记账。",
    "about_title": "关于 {name}",
    "base_address": "接口地址",
    "billing": "逐笔记账",
    "billing_text": "先预留、后结算，每次调用只计费一次。令牌有额度、有效期、可用模型和网段限制，数字精确到最小单位。",
    "compatible": "兼容 OpenAI 接口",
    "compatible_text": "聊天、流式输出、工具调用、向量。换一个地址和密钥，现有的程序和客户端就能使用所有模型。",
    "front": "首页",
    "headline": "一个接口，通往所有模型",
    "home": "返回首页",
    "lead": "把各家服务商的密钥放在一处，为每个人、每个应用发放令牌，并清楚地知道每一次调用的花费。",
    "lost": "页面不存在",
    "lost_text": "地址可能有误，或者页面已经移走。",
    "notice": "公告",
    "routing": "自动切换",
    "routing_text": "按优先级和权重选择渠道，失败时自动换下一个，出故障的渠道自动停用、恢复后自动启用。",
    "to_console": "进入控制台",
    "version": "版本 {version}",
}
