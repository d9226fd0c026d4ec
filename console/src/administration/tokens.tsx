// Tokens for programs: what each may do, until when. One is shown once, when it is made.
import { useState } from "preact/hooks";
import { add_token, list_tokens, remove_token } from "../api/admin";
import type { Right, Token, TokenEdit } from "../api/openapi";
import { use_value } from "../observe";
import { Choice, Field, Form, Outcome, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";
import { Secret, type Told } from "../parts/secret";
import { Sure } from "../parts/sure";
import { caller } from "../session";

const day_ms = 86_400_000;
const lives = ["30", "90", "365", "never"] as const; // days

function NewToken({ made }: { made: (token: Token) => void }) {
  const words = use_words();
  const who = use_value(caller);
  const [name, set_name] = useState("");
  const [scopes, set_scopes] = useState<Right[]>(["read"]);
  const [life, set_life] = useState<string>("90");
  const action = use_action();
  if (who === null || who.by === "local")
    return <p class="notice">{words.say("token_needs_user")}</p>;

  async function create(): Promise<void> {
    const edit: TokenEdit = { name: name.trim(), scopes };
    if (life !== "never") edit.expires_ms = Date.now() + Number(life) * day_ms;
    made(await add_token(edit));
    set_name("");
  }

  return (
    <Form
      title={words.say("new_token")}
      submit={words.say("create")}
      action={action}
      done={words.say("created")}
      wrong={name.trim() === "" || scopes.length === 0}
      on_submit={() => void action.run(create)}
    >
      <Field label={words.say("token_name")} value={name} on_change={set_name} bytes_max={256} />
      <fieldset class="scopes">
        <legend>{words.say("scopes")}</legend>
        {who.rights.map((right) => (
          <label key={right}>
            <input
              type="checkbox"
              checked={scopes.includes(right)}
              onChange={(event) => {
                const others = scopes.filter((one) => one !== right);
                set_scopes(event.currentTarget.checked ? [...others, right] : others);
              }}
            />{" "}
            {words.choice("right", right)}
          </label>
        ))}
        {scopes.length === 0 && <span class="wrong">{words.say("scope_wanted")}</span>}
      </fieldset>
      <Choice
        label={words.say("token_life")}
        value={life}
        choices={lives.map((one) => [
          one,
          one === "never" ? words.say("without_end") : words.say("days", one),
        ])}
        on_change={set_life}
      />
    </Form>
  );
}

function Line({ token, reload }: { token: Token; reload: () => void }) {
  const words = use_words();
  const action = use_action();
  const { id, name, user, scopes, created_ms, expires_ms } = token;
  const is_over = expires_ms !== null && expires_ms <= Date.now();
  return (
    <li data-token={id}>
      <strong>{name}</strong>{" "}
      {is_over && <span class="badge rejected">{words.say("over")}</span>}{" "}
      {scopes.map((one) => words.choice("right", one)).join(words.say("list_comma"))}{" "}
      <span class="facts">
        {words.say("token_facts", user, words.time(created_ms),
          expires_ms === null ? words.say("without_end") : words.time(expires_ms))}
      </span>{" "}
      <Sure say={words.say("delete")} sure={words.say("delete_sure")} about={name}
        act={() => void action.run(() => remove_token(id).finally(reload))} />
      <Outcome action={action} done="" />
    </li>
  );
}

// Of one user, or of all.
export function Tokens({ of }: { of?: string }) {
  const words = use_words();
  const tokens = use_loaded(list_tokens, []);
  const [told, tell] = useState<Told | null>(null);
  const shown = (tokens.value ?? []).filter(({ user }) => of === undefined || user === of);
  return (
    <section class="card">
      <h2>{words.say("tokens")}</h2>
      <p class="facts">{words.say("tokens_about")}</p>
      {tokens.value === null ? (
        <Waiting error={tokens.error} />
      ) : shown.length === 0 ? (
        <p class="facts">{words.say("no_tokens")}</p>
      ) : (
        <ul class="lines">
          {shown.map((token) => (
            <Line key={token.id} token={token} reload={tokens.reload} />
          ))}
        </ul>
      )}
      {told !== null && (
        <Secret told={told} close={() => tell(null)}>
          <pre>
            {`curl -H "Authorization: Bearer ${told.secret}" ${location.origin}/api/v1/readings`}
          </pre>
        </Secret>
      )}
      <h3>{words.say("new_token")}</h3>
      <NewToken
        made={({ name, token }) => {
          tell({ about: words.say("token_of", name), secret: token ?? "" });
          tokens.reload();
        }}
      />
    </section>
  );
}

export function TokensPart() {
  return <Tokens />;
}
