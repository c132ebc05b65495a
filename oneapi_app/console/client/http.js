// The browser's own way to the REST API, for what must set or end the session cookie, which no socket can.
import { getLocale, translate } from "./store";

/** `{success, status, data, message}`; `message` says why not, in the viewer's language. Never throws. */
export async function call(method, path, { query = {}, body } = {}) {
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  try {
    const response = await fetch(given ? `${path}?${given}` : path, {
      method,
      credentials: "same-origin",
      headers: {
        "Accept-Language": getLocale(),
        ...(body && { "Content-Type": "application/json" }),
      },
      body: body && JSON.stringify(body),
    });
    if (response.status === 429) return { success: false, status: 429, message: translate("sign_in.too_many") };
    const answer = await response.json();
    return { ...answer, status: response.status, message: answer.success ? answer.message : reason(answer) };
  } catch {
    return { success: false, status: 0, message: translate("shell.unreachable") };
  }
}

// Where the console has better words than the original's literals, which other clients rely on.
const REASONS = {
  "用户名或密码错误，或用户已被封禁": "sign_in.wrong",
  "管理员关闭了密码登录": "sign_in.password_login_off",
  "无效的参数": "sign_in.invalid",
  "invalid parameter": "sign_in.invalid",
  "无效的输入，请检查您的输入": "sign_up.invalid",
  "Invalid input, please check your input": "sign_up.invalid",
  "state is empty or not same": "third_party.other_browser",
  "返回值非法，用户字段为空，请稍后重试！": "third_party.nobody",
  "Turnstile token 为空": "sign_up.wait_for_check",
};

function reason({ message, message_en }) {
  if (REASONS[message]) return translate(REASONS[message]);
  return (getLocale() === "en" && message_en) || message || translate("shell.unreachable");
}

/** Where to go next, if it is on this site: never a foreign address somebody put into the link. */
export function ownAddress(wanted, otherwise) {
  if (!wanted) return otherwise;
  try {
    const url = new URL(wanted, window.location.origin);
    // Whole: a path alone may begin with two slashes and be another host.
    return url.origin === window.location.origin ? url.href : otherwise;
  } catch {
    return otherwise;
  }
}

export const fromAddress = (name) => new URLSearchParams(window.location.search).get(name) ?? "";
