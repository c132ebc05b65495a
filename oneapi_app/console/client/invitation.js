// Who invited this browser: the code of a link (?aff=), kept until it has served a sign-up.
const KEY = "oneapi.invitation";

if (typeof window !== "undefined") {
  const code = new URLSearchParams(window.location.search).get("aff");
  if (code) localStorage.setItem(KEY, code.slice(0, 32));
}

export const invitation = () => localStorage.getItem(KEY) ?? "";
export const forgetInvitation = () => localStorage.removeItem(KEY);
