"""Signing in with an account elsewhere, and binding one."""

TEXTS = {
    "declined": "第三方（{name}）没有放行：授权被拒绝，或本站的配置有误。",
    "heading": "第三方登录 · {name}",
    "incomplete": "只有从第三方（{name}）跳转过来时，此地址才有效。请从登录页重新开始。",
    "lark": "飞书",
    "nobody": "对方没有告知您的身份。请重新登录；如果仍然如此，请联系管理员。",
    "or": "或",
    "other_address": "第三方（{name}）会跳转回 {address}，而不是当前地址。请用该地址打开本站，或请管理员修正服务器地址。",
    "other_browser": "此次登录不是在当前浏览器或当前地址发起的，或者耗时过长。请在这里重新开始。",
    "returning": "正在登录（{name}）…",
    "title": "正在登录",
    "to_personal": "前往个人设置",
    "to_sign_in": "前往登录页",
    "wechat": "微信",
    "wechat_qrcode": "本站微信公众号的二维码",
    "wechat_text": "用微信扫码关注公众号，发送“验证码”，然后输入收到的验证码。",
    "wechat_title": "通过微信继续",
    "with_github": "使用 GitHub 继续",
    "with_lark": "使用飞书继续",
    "with_oidc": "使用 OIDC 继续",
    "with_wechat": "使用微信继续",
}
