"""Making an account, and showing that an address is one's own."""

TEXTS = {
    "code": "Code",
    "code_sent": "Sent. Look into your mail; the code is good for ten minutes.",
    "email": "Email",
    "have_one": "Have an account?",
    "heading": "Sign up to {name}",
    "invalid": "Something entered is too long or too short",
    "invitation": "Invitation code",
    "no_check": "The check for humans could not be loaded. Is challenges.cloudflare.com reachable from here?",
    "none_yet": "No account yet?",
    "off": "New accounts are switched off on this site. Ask whoever runs it for one.",
    "password_again": "Password again",
    "send_again": "Again in {seconds} s",
    "send_code": "Send code",
    "submit": "Sign up",
    "title": "Sign up",
    "username_rule": "At most 12 characters",
    "wait_for_check": "Finish the check for humans first",
}
