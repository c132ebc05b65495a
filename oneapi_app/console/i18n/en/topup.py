"""The top-up page."""

TEXTS = {
    "code": "Redemption code",
    "code_help": "32 characters, from whoever runs this site.",
    "copy_link": "Copy the link",
    "history": "History",
    "invite_text": "Who registers through this link is invited by you.",
    "invite_title": "Invite others",
    "no_history": "No top-ups yet.",
    "redeem": "Redeem",
    "redeem_title": "Redeem a code",
    "redeemed": "Redeemed. Your balance has been topped up",
    "requests": "Requests",
    "shop": "Buy quota",
    "they_get": "they get",
    "title": "Top up",
    "used": "Used so far",
    "you_get": "You get",
}
