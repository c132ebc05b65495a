"""充值页面。"""

TEXTS = {
    "code": "兑换码",
    "code_help": "由站点管理员提供的 32 位字符。",
    "copy_link": "复制链接",
    "history": "充值记录",
    "invite_text": "通过此链接注册的用户将记为由您邀请。",
    "invite_title": "邀请他人",
    "no_history": "还没有充值记录。",
    "redeem": "兑换",
    "redeem_title": "使用兑换码",
    "redeemed": "兑换成功，额度已到账",
    "requests": "请求次数",
    "shop": "购买额度",
    "they_get": "对方获得",
    "title": "充值",
    "used": "累计消耗",
    "you_get": "您获得",
}
