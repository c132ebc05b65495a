"""A forgotten password."""

TEXTS = {
    "forgotten": "Forgot your password?",
    "lead": "Enter the email address of your account. You get a mail with a link.",
    "link_lead": "The link from the mail serves once. It replaces the password with a new one, shown here.",
    "make": "Make a new password",
    "new_password": "New password",
    "no_mail": "This site cannot send mail. Ask whoever runs it for a new password.",
    "remembered": "Remembered it?",
    "send": "Send the link",
    "sent": "If an account has this address, the mail is on its way. The link in it is good for ten minutes.",
    "shown_once": "Copy it now, it is not shown again. You can choose another in your personal settings.",
    "title": "Forgotten password",
}
