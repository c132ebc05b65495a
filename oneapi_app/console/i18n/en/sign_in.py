"""Sign-in and the forced new password."""

TEXTS = {
    "account": "Username or email",
    "expired": "Your session has ended. Please sign in again.",
    "heading": "Sign in to {name}",
    "initial_password": "You are signed in with the initial password. Choose a new one before anything else.",
    "invalid": "Enter a username and a password",
    "new_password": "Choose a new password",
    "password": "Password",
    "password_again": "New password again",
    "password_login_off": "Signing in with a password is switched off",
    "password_new": "New password",
    "password_rule": "8 to 20 characters",
    "passwords_differ": "The two passwords are not the same",
    "registered": "Your account is ready. Sign in to it.",
    "set_password": "Save and continue",
    "title": "Sign in",
    "too_many": "Too many attempts. Try again later.",
    "wrong": "Wrong username or password, or the account is disabled",
}
