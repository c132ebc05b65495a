"""A letter that could not be sent, in words that help whoever runs the site."""

from oneapi_app.errors import Unavailable


class MailError(Unavailable):
    """``zh`` and ``en`` may be shown to anybody. ``detail`` is the server's own answer, for root and the log."""

    def __init__(self, zh: str, en: str, detail: str = "") -> None:
        super().__init__(f"发送邮件失败：{zh}", f"failed to send email: {en}", localised=True)
        self.detail = detail

    def with_detail(self) -> "MailError":
        """The same with the server's answer in the texts."""
        if not self.detail:
            return self
        shown = MailError("", "")
        shown.zh, shown.en = f"{self.zh}（{self.detail}）", f"{self.en} ({self.detail})"
        return shown
