"""Making an account, and showing that an address is one's own."""

TEXTS = {
    "code": "验证码",
    "code_sent": "已发送，请查收邮件。验证码十分钟内有效。",
    "email": "邮箱",
    "have_one": "已有账户？",
    "heading": "注册 {name}",
    "invalid": "输入的内容过长或过短",
    "invitation": "邀请码",
    "no_check": "人机验证无法加载。请确认当前网络可以访问 challenges.cloudflare.com。",
    "none_yet": "还没有账户？",
    "off": "本站已关闭新用户注册，请联系管理员。",
    "password_again": "再次输入密码",
    "send_again": "{seconds} 秒后重发",
    "send_code": "发送验证码",
    "submit": "注册",
    "title": "注册",
    "username_rule": "最多 12 个字符",
    "wait_for_check": "请先完成人机验证",
}
