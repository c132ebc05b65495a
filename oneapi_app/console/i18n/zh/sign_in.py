"""Sign-in and the forced new password."""

TEXTS = {
    "account": "用户名或邮箱",
    "expired": "登录已过期，请重新登录。",
    "heading": "登录 {name}",
    "initial_password": "当前使用的是初始密码。请先设置新密码，之后才能进行其他操作。",
    "invalid": "请输入用户名和密码",
    "new_password": "设置新密码",
    "password": "密码",
    "password_again": "再次输入新密码",
    "password_login_off": "管理员关闭了密码登录",
    "password_new": "新密码",
    "password_rule": "8 到 20 个字符",
    "passwords_differ": "两次输入的密码不一致",
    "registered": "账户已创建，请登录。",
    "set_password": "保存并继续",
    "title": "登录",
    "too_many": "尝试次数过多，请稍后再试",
    "wrong": "用户名或密码错误，或账户已被禁用",
}
