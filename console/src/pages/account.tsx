// One's own account: password, sessions, tokens.
import { useState } from "preact/hooks";
import { change_own_password } from "../api/admin";
import { Sessions } from "../administration/sessions";
import { Tokens } from "../administration/tokens";
import { password_bytes_min, password_wrong } from "../administration/users";
import { Field, Form, Waiting } from "../parts/form";
import { use_action, use_words } from "../parts/hooks";
import { use_value } from "../observe";
import { caller } from "../session";

function Password() {
  const words = use_words();
  const [old, set_old] = useState("");
  const [fresh, set_fresh] = useState("");
  const [again, set_again] = useState("");
  const action = use_action();
  const wrong = fresh === "" ? null : password_wrong(fresh, words);
  const differs = again !== "" && again !== fresh ? words.say("passwords_differ") : null;
  const all_typed = old !== "" && fresh !== "" && again !== "";

  async function save(): Promise<void> {
    await change_own_password(old, fresh);
    for (const set of [set_old, set_fresh, set_again]) set("");
  }

  return (
    <section class="card">
      <h2>{words.say("own_password")}</h2>
      <p class="facts">{words.say("own_password_about")}</p>
      <Form
        title={words.say("own_password")}
        submit={words.say("change")}
        action={action}
        wrong={!all_typed || wrong !== null || differs !== null}
        on_submit={() => void action.run(save)}
      >
        <Field label={words.say("password_old")} type="password" value={old} on_change={set_old}
          bytes_max={256} autocomplete="current-password" />
        <Field label={words.say("password_new")} type="password" value={fresh}
          on_change={set_fresh} bytes_max={256} wrong={wrong} autocomplete="new-password"
          hint={words.say("password_hint", password_bytes_min)} />
        <Field label={words.say("password_again")} type="password" value={again}
          on_change={set_again} bytes_max={256} wrong={differs} autocomplete="new-password" />
      </Form>
    </section>
  );
}

export function Page() {
  const words = use_words();
  const who = use_value(caller);
  if (who === null) return <Waiting error={null} />;
  const role = words.choice("role_name", who.role);
  return (
    <>
      <h1>{words.say("nav_account")}</h1>
      {who.by === "local" ? (
        <p class="notice">{words.say("nobody_logs_in")}</p>
      ) : (
        <>
          <p>
            <strong>{who.name}</strong>{" "}
            <span class="facts">
              {role}
              {who.groups.length > 0 &&
                ` · ${words.say("limited_to", who.groups.join(words.say("list_comma")))}`}
            </span>
          </p>
          <Password />
          <Sessions of={who.name} />
          <Tokens of={who.name} />
        </>
      )}
    </>
  );
}
