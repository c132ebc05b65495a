"""What people who register or have forgotten their password get by mail. Pure."""

from urllib.parse import urlencode

from oneapi_app.mail.letter import Letter, link, paragraph


def verification_letter(site: str, code: str, minutes: int) -> Letter:
    return Letter(
        subject=f"{site} 邮箱验证邮件",
        summary=f"您的验证码为 {code}，{minutes} 分钟内有效",
        body=paragraph(f"您好，您正在进行 {site} 邮箱验证。您的验证码为：")
        + paragraph(code, strong=True)
        + paragraph(f"验证码 {minutes} 分钟内有效，如果不是本人操作，请忽略此邮件。")
        + paragraph(
            f"This is your code to verify your e-mail address at {site}. It is valid for {minutes} minutes; "
            "if you did not ask for it, ignore this message.",
            quiet=True,
        ),
    )


def reset_letter(site: str, server_address: str, email: str, token: str, minutes: int) -> Letter:
    url = f"{server_address}/user/reset?{urlencode({'email': email, 'token': token})}"
    return Letter(
        subject=f"{site} 密码重置",
        summary=f"重置链接 {minutes} 分钟内有效：{url}",
        body=paragraph(f"您好，您正在进行 {site} 密码重置。点击下面的链接即可重置密码：")
        + link(url, "重置密码 / Reset password")
        + paragraph(f"重置链接 {minutes} 分钟内有效，如果不是本人操作，请忽略此邮件。")
        + paragraph(
            f"Open the link to reset your password at {site}. It is valid for {minutes} minutes; "
            "if you did not ask for it, ignore this message.",
            quiet=True,
        ),
    )
