// Forms that answer to the REST API instead of the page's socket.
import { useState } from "react";
import { call, fromAddress, ownAddress } from "./http";
import { forgetInvitation } from "./invitation";
import { renewCheck } from "./turnstile";
import { useTranslate } from "./store";
import { CopyButton } from "./widgets";

/** One submission at a time; the reason of a failure stands above the fields. `send` gets the named values. */
function Form({ className, same = [], send, onDone, children }) {
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const translate = useTranslate();
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const { turnstile, ...values } = Object.fromEntries(new FormData(form));
    const [first, second] = same;
    if (first && values[first] !== values[second]) return setFailure(translate("sign_in.passwords_differ"));
    if (second) delete values[second];
    if (turnstile === "") return setFailure(translate("sign_up.wait_for_check"));
    setBusy(true);
    setFailure("");
    const answer = await send(values, { turnstile });
    if (answer.success) return onDone(answer, values);
    setFailure(answer.message);
    setBusy(false);
    renewCheck();
    // After the fieldset is enabled again: what was wrong is most often the password.
    setTimeout(() => form.querySelector('input[type="password"]')?.select(), 0);
  };
  return (
    <form className={className} onSubmit={submit} data-busy={busy} aria-busy={busy} noValidate={false}>
      {failure && (
        <p role="alert" className="form-failure">
          {failure}
        </p>
      )}
      <fieldset disabled={busy} className="bare">
        {children}
      </fieldset>
    </form>
  );
}

const sender = (action, method) => (values, query) =>
  method === "GET"
    ? call(method, action, { query: { ...values, ...query } })
    : call(method, action, { body: values, query });

const goTo = (address) => window.location.assign(ownAddress(fromAddress("next"), address));

/** On success the browser loads `next` anew. */
export function HttpForm({ action, method = "POST", next = "/", ...rest }) {
  return <Form {...rest} send={sender(action, method)} onDone={() => goTo(next)} />;
}

/** On success `sent` stands in place of the form. */
export function SentForm({ action, method = "GET", sent, ...rest }) {
  const [done, setDone] = useState(false);
  if (done) return <p role="status">{sent}</p>;
  return <Form {...rest} send={sender(action, method)} onDone={() => setDone(true)} />;
}

/** A new account, signed in at once where that is possible. */
export function SignUpForm({ next = "/", ...rest }) {
  const signIn = async (_, { username, password }) => {
    forgetInvitation();
    const answer = await call("POST", "/api/user/login", { body: { username, password } });
    if (answer.success) goTo(next);
    else window.location.assign("/login?registered=true");
  };
  return <Form {...rest} send={sender("/api/user/register", "POST")} onDone={signIn} />;
}

/** Spends the link of a mail, when asked to: programs that look into mails open links, but press no buttons. */
export function NewPasswordForm({ label, emailLabel, copyLabel, children, ...rest }) {
  const [password, setPassword] = useState("");
  const link = {
    email: fromAddress("email").replaceAll(" ", "+"), // the original's links hold a bare "+"
    token: fromAddress("token"),
  };
  const send = () => call("POST", "/api/user/reset", { body: link });
  if (password) {
    return (
      <>
        <div className="copy-box">
          <code>{password}</code>
          <CopyButton text={password} label={copyLabel} />
        </div>
        {children}
      </>
    );
  }
  return (
    <Form {...rest} send={send} onDone={({ data }) => setPassword(data)}>
      <input type="email" className="input" value={link.email} readOnly aria-label={emailLabel} />
      <button type="submit" className="button primary wide">
        {label}
      </button>
    </Form>
  );
}
