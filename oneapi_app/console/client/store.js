// What the browser knows without asking: language, the site's public facts, who is signed in (name and role
// only: what may be seen is decided by the server, this decides what is drawn first). Kept in local storage,
// so a full page load paints the right thing at once.
import { useSyncExternalStore } from "react";
import catalogs from "./catalogs";

const DEFAULT_SITE = {
  name: "One API",
  logo: "",
  theme: "default",
  footer: "",
  version: "",
  quota_per_unit: 500000,
  display_in_currency: true,
  chat_link: "",
  top_up_link: "",
  server_address: "",
  registration: false,
  password_login: true,
  password_registration: false,
  email_verification: false,
  mail: false,
  turnstile_site_key: "",
  github: false,
  oidc: false,
  lark: false,
  wechat: false,
  wechat_qrcode: "",
};
const NOBODY = { id: 0, name: "", role: 0, group: "", must_change_password: false };

const inBrowser = typeof window !== "undefined";

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs the first paint its memory, nothing else.
  }
}

function createStore(key, initial, apply = () => {}) {
  let value = initial;
  const listeners = new Set();
  const set = (next) => {
    value = next;
    apply(next);
    listeners.forEach((listener) => listener());
  };
  if (inBrowser) {
    window.addEventListener("storage", (event) => {
      if (event.key === key) set(merge(initial, read(key)));
    });
    value = merge(initial, read(key));
    apply(value);
  }
  return {
    get: () => value,
    set: (next) => {
      write(key, next);
      set(next);
    },
    use: () =>
      useSyncExternalStore(
        (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        () => value,
        () => initial,
      ),
  };
}

const merge = (initial, stored) =>
  stored === null || typeof initial !== "object" ? (stored ?? initial) : { ...initial, ...stored };

const browserLanguage = () =>
  inBrowser && navigator.language && !navigator.language.toLowerCase().startsWith("zh") ? "en" : "zh";

const localeStore = createStore("oneapi.locale", browserLanguage(), (locale) => {
  document.documentElement.lang = locale === "zh" ? "zh-CN" : "en";
});
const siteStore = createStore("oneapi.site", DEFAULT_SITE, (site) => {
  document.documentElement.dataset.theme = site.theme;
});
const viewerStore = createStore("oneapi.viewer", NOBODY);

export const useLocale = localeStore.use;
export const useSite = siteStore.use;
export const useViewer = viewerStore.use;
export const getLocale = localeStore.get;
export const getSite = siteStore.get;
export const setLocale = (locale) => localeStore.set(locale);
export const setSite = (site) => siteStore.set({ ...DEFAULT_SITE, ...site });
export const setViewer = (viewer) => viewerStore.set({ ...NOBODY, ...viewer });

const fill = (text, values) =>
  text
    .replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_, name, one, many) => (values[name] === 1 ? one : many))
    .replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

const translator = (locale) => (key, values) => {
  const text = catalogs[locale][key] ?? key;
  return values ? fill(text, values) : text;
};
const translators = { zh: translator("zh"), en: translator("en") };

export const useTranslate = () => translators[useLocale()] ?? translators.zh;
export const translate = (key, values) => (translators[getLocale()] ?? translators.zh)(key, values);
