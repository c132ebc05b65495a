// Pieces of coming in: the check for humans, codes by mail, the way to a third party and back.
import { useEffect, useRef, useState } from "react";
import { call, fromAddress, ownAddress } from "./http";
import { forgetInvitation, invitation } from "./invitation";
import { getLocale, useTranslate, useViewer } from "./store";
import { loadTurnstile, renewCheck } from "./turnstile";

/** The check's widget, and its answer as the form's field "turnstile". */
export function HumanCheck({ siteKey }) {
  const place = useRef(null);
  const [answer, setAnswer] = useState("");
  const [failed, setFailed] = useState(false);
  const translate = useTranslate();
  useEffect(() => {
    let widget;
    let gone = false;
    const draw = (turnstile) => {
      if (gone) return;
      widget = turnstile.render(place.current, {
        sitekey: siteKey,
        language: getLocale(),
        callback: setAnswer,
        "expired-callback": () => setAnswer(""),
      });
    };
    loadTurnstile().then(draw, () => setFailed(true));
    return () => {
      gone = true;
      if (widget !== undefined) window.turnstile?.remove(widget);
    };
  }, [siteKey]);
  return (
    <>
      <div ref={place} className="human-check" />
      {failed && <p className="field-error">{translate("sign_up.no_check")}</p>}
      <input type="hidden" name="turnstile" value={answer} readOnly />
    </>
  );
}

const WAIT_S = 60;

/** Has a code sent to the form's address; then says so, and rests for a minute. */
export function CodeSender() {
  const [left, setLeft] = useState(0);
  const [said, setSaid] = useState({ text: "", failed: false });
  const translate = useTranslate();
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  const send = async (event) => {
    const { elements } = event.currentTarget.form;
    if (!elements.email.value || !elements.email.reportValidity()) return elements.email.focus();
    const turnstile = elements.turnstile?.value;
    if (turnstile === "") return setSaid({ text: translate("sign_up.wait_for_check"), failed: true });
    setLeft(WAIT_S);
    const answer = await call("GET", "/api/verification", { query: { email: elements.email.value, turnstile } });
    if (!answer.success) {
      setLeft(0);
      renewCheck();
    }
    setSaid({ text: answer.success ? translate("sign_up.code_sent") : answer.message, failed: !answer.success });
    return undefined;
  };
  return (
    <>
      <button type="button" className="button" onClick={send} disabled={left > 0}>
        {left > 0 ? translate("sign_up.send_again", { seconds: left }) : translate("sign_up.send_code")}
      </button>
      {said.text && (
        <span role="status" className={said.failed ? "field-error" : "field-help"}>
          {said.text}
        </span>
      )}
    </>
  );
}

/** The invitation of the link that led here, for the form: to see and change, or unseen. */
export function Invitation({ name = "aff_code", hidden = false, label }) {
  const [code, setCode] = useState(invitation);
  return (
    <input
      type={hidden ? "hidden" : "text"}
      className="input"
      name={name}
      value={code}
      maxLength={32}
      autoComplete="off"
      aria-label={label}
      onChange={(event) => setCode(event.target.value)}
    />
  );
}

const DEPARTURE = "oneapi.departure";

/** Sends the browser to the provider; `next` is where it is led after it has come back. */
export function ThirdPartyButton({ provider, name, next = "", className, children }) {
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const translate = useTranslate();
  const leave = async () => {
    setBusy(true);
    setFailure("");
    const answer = await call("GET", "/api/oauth/state", { query: { provider } });
    const elsewhere = answer.success && leadsElsewhere(answer.url);
    if (answer.success && !elsewhere) {
      sessionStorage.setItem(DEPARTURE, JSON.stringify({ next: ownAddress(fromAddress("next"), next) }));
      window.location.assign(answer.url);
    } else {
      setFailure(elsewhere ? translate("third_party.other_address", { name, address: elsewhere }) : answer.message);
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" className={className} onClick={leave} disabled={busy}>
        {children}
      </button>
      {failure && (
        <p role="alert" className="field-error">
          {failure}
        </p>
      )}
    </>
  );
}

/** The address the provider would lead back to, where it is another than this: there nobody knows this browser. */
function leadsElsewhere(url) {
  const back = new URL(url).searchParams.get("redirect_uri");
  const address = back ? new URL(back).origin : window.location.origin;
  return address === window.location.origin ? "" : address;
}

function departure() {
  try {
    return JSON.parse(sessionStorage.getItem(DEPARTURE)) ?? {};
  } catch {
    return {};
  }
}

/** Back from the provider: finishes the sign-in or the binding and leads on, or says what failed. */
export function ThirdPartyReturn({ provider, name, home, personal, signIn }) {
  const [failure, setFailure] = useState("");
  const begun = useRef(false);
  const translate = useTranslate();
  const { role } = useViewer();
  useEffect(() => {
    if (begun.current) return;
    begun.current = true; // a state and a code serve once
    const [code, state] = [fromAddress("code"), fromAddress("state")];
    if (!code || !state) {
      setFailure(translate(fromAddress("error") ? "third_party.declined" : "third_party.incomplete", { name }));
      return;
    }
    call("GET", `/api/oauth/${provider}`, { query: { code, state, aff: invitation() } }).then((answer) => {
      const { next } = departure();
      sessionStorage.removeItem(DEPARTURE);
      if (!answer.success) return setFailure(answer.message);
      if (answer.message === "bind") return window.location.replace(`${personal}?bound=${provider}`);
      forgetInvitation();
      return window.location.replace(ownAddress(next, home));
    });
  }, []);
  if (!failure) {
    return (
      <p role="status" className="waiting-line">
        <span className="spinner" />
        {translate("third_party.returning", { name })}
      </p>
    );
  }
  return (
    <>
      <p role="alert" className="form-failure">
        {failure}
      </p>
      <a className="button wide" href={role > 0 ? personal : signIn}>
        {translate(role > 0 ? "third_party.to_personal" : "third_party.to_sign_in")}
      </a>
    </>
  );
}
