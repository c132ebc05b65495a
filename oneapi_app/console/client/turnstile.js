// Cloudflare's script, loaded where the operator switched Turnstile on and nowhere else.
const SCRIPT = "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit";
let loading = null;

export function loadTurnstile() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.onload = () => resolve(window.turnstile);
    script.onerror = () => {
      loading = null;
      reject(new Error("Turnstile cannot be loaded"));
    };
    document.head.appendChild(script);
  });
  return loading;
}

/** Answers serve once; after a refusal another is needed. */
export const renewCheck = () => window.turnstile?.reset?.();
