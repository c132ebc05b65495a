"""Signing in with an account elsewhere, and binding one."""

TEXTS = {
    "declined": "{name} did not let you through: it was declined there, or the site is not set up rightly.",
    "heading": "Back from {name}",
    "incomplete": "This address is complete only when {name} leads here. Start again from the sign-in page.",
    "lark": "Lark",
    "nobody": "The provider did not say who you are. Start again; if it stays so, tell whoever runs this site.",
    "or": "or",
    "other_address": "{name} would lead back to {address}, not to here. Open the site at that address, or have its server address corrected.",
    "other_browser": "This sign-in was begun in another browser or at another address, or took too long. Start again here.",
    "returning": "Signing in with {name}…",
    "title": "Signing in",
    "to_personal": "To personal settings",
    "to_sign_in": "To the sign-in page",
    "wechat": "WeChat",
    "wechat_qrcode": "QR code of the site's WeChat account",
    "wechat_text": "Follow this account in WeChat and send it 验证码 (the word for code). It answers with a code.",
    "wechat_title": "Continue with WeChat",
    "with_github": "Continue with GitHub",
    "with_lark": "Continue with Lark",
    "with_oidc": "Continue with OIDC",
    "with_wechat": "Continue with WeChat",
}
