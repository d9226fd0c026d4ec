// The second reader: whether it is asked and why not, for which meters, and what it has cost.
import { useState } from "preact/hooks";
import { change_second_policy, get_second, get_second_policy, list_second_use, resume_second,
  try_second, type PolicyEdit } from "../api/admin";
import { ApiError, error_of, type Seen } from "../api/http";
import type { SecondPolicy, SecondState } from "../api/openapi";
import { Choice, Field, Form, Outcome, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";
import { link_to } from "../router";
import type { Words } from "../words/words";
import { days_text } from "./billing_time";
import { sums_of } from "./second_use";
import { TryButton } from "./try_button";

const policies: SecondState["policy"][] = ["local", "baidu", "local-then-baidu", "both-must-agree"];
const name_pattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;
const uses_max = 1000; // what the server gives at most

function State() {
  const words = use_words();
  const state = use_loaded(get_second, []);
  const action = use_action();
  if (state.value === null) return <Waiting error={state.error} />;
  const { policy, has_keys, stop, billed_today, calls_per_day } = state.value;
  return (
    <section class="card">
      <h2>{words.say("second")}</h2>
      <p class="facts">{words.say("second_about")}</p>
      <dl class="rows-of-facts">
        <div>
          <dt>{words.say("second_policy")}</dt>
          <dd>{words.choice("policy", policy)}</dd>
        </div>
        <div>
          <dt>{words.say("second_keys")}</dt>
          <dd class={has_keys ? "good" : ""}>{words.say(has_keys ? "keys_there" : "keys_none")}</dd>
        </div>
        <div>
          <dt>{words.say("billed_today")}</dt>
          <dd>{words.say("billed_of", words.number(billed_today), words.number(calls_per_day))}</dd>
        </div>
      </dl>
      {calls_per_day > 0 && (
        <progress aria-label={words.say("billed_today")} max={calls_per_day}
          value={Math.min(billed_today, calls_per_day)} />
      )}
      {stop !== null && (
        <div class="notice warn" role="status">
          <p>
            <strong>{words.choice("stop", stop.kind)}</strong> {stop.reason}{" "}
            <span class="facts">
              {stop.until_ms === null
                ? words.say("stop_until_resumed")
                : words.say("stop_until", words.time(stop.until_ms))}
            </span>
          </p>
          <button type="button" class="small"
            onClick={() => void action.run(() => resume_second().finally(state.reload))}>
            {words.say("second_resume")}
          </button>
        </div>
      )}
      <Outcome action={action} done="" />
      {has_keys ? (
        <TryButton
          say={words.say("second_try")}
          act={try_second}
          failed={({ error }) => words.say("second_try_failed", error)}
          done={words.say("second_tried")}
        />
      ) : (
        <p class="facts">{words.say("second_how")}</p>
      )}
    </section>
  );
}

function named(policy: string | null, words: Words): string {
  return policy === null ? words.say("policy_global") : words.choice("policy", policy);
}

function PolicyForm({ seen }: { seen: Seen<SecondPolicy> }) {
  const words = use_words();
  const [{ value: base, etag }, set_base] = useState(seen); // what the person sees meanwhile
  const [chosen, choose] = useState(base.policy ?? "");
  const [reason, set_reason] = useState("");
  const action = use_action();
  const as_all =
    base.policy === null
      ? words.say("policy_global_is", words.choice("policy", base.effective))
      : words.say("policy_global");

  async function save(): Promise<void> {
    const edit: PolicyEdit = { policy: (chosen || null) as PolicyEdit["policy"] };
    if (reason.trim() !== "") edit.reason = reason.trim();
    const sent = change_second_policy(base.meter, edit, etag).catch(async (error) => {
      if (error_of(error).code !== "precondition_failed") throw error;
      const now = await get_second_policy(base.meter);
      set_base(now);
      throw new ApiError("changed", named(now.value.policy, words), 412);
    });
    set_base(await sent);
    set_reason("");
  }

  return (
    <Form
      title={words.say("policy_of", base.meter)}
      submit={words.say("save")}
      action={action}
      wrong={chosen === (base.policy ?? "")}
      on_submit={() => void action.run(save)}
    >
      <Choice
        label={words.say("policy_of", base.meter)}
        value={chosen}
        choices={[
          ["", as_all],
          ...policies.map((one): [string, string] => [one, words.choice("policy", one)]),
        ]}
        on_change={choose}
      />
      <Field label={words.say("reason")} value={reason} on_change={set_reason} />
      {base.history.length > 0 && (
        <ol class="lines facts" reversed>
          {base.history.slice(0, 10).map((one) => (
            <li key={one.at_ms}>
              {words.time(one.at_ms)} · {one.author ?? words.say("somebody")}:{" "}
              {named(one.policy, words)}
              {one.reason !== null && ` · ${one.reason}`}
            </li>
          ))}
        </ol>
      )}
    </Form>
  );
}

function Policies() {
  const words = use_words();
  const [typed, set_typed] = useState("");
  const [policy, show] = useState<Seen<SecondPolicy> | null>(null);
  const action = use_action();
  const meter = typed.trim();
  const wrong = meter !== "" && !name_pattern.test(meter) ? words.say("name_wanted") : null;
  return (
    <section class="card">
      <h2>{words.say("meters_policy")}</h2>
      <p class="facts">{words.say("meters_policy_about")}</p>
      <Form
        title={words.say("meters_policy")}
        submit={words.say("show")}
        action={action}
        done=""
        wrong={meter === "" || wrong !== null}
        on_submit={() => void action.run(async () => show(await get_second_policy(meter)))}
      >
        <Field label={words.say("meter_name")} value={typed} on_change={set_typed}
          bytes_max={64} wrong={wrong} />
      </Form>
      {policy !== null && <PolicyForm key={policy.value.meter} seen={policy} />}
    </section>
  );
}

const month_ms = 30 * 86_400_000;

function Cost() {
  const words = use_words();
  const [from, set_from] = useState(days_text(new Date(Date.now() - month_ms)));
  const [to, set_to] = useState("");
  const [typed, set_meter] = useState("");
  const [by, set_by] = useState<"day" | "meter">("day");
  const meter = typed.trim();
  const wrong = meter !== "" && !name_pattern.test(meter) ? words.say("name_wanted") : null;
  const asked = wrong === null ? { from, to, meter } : { from, to };
  const use = use_loaded(() => list_second_use(asked), [from, to, asked.meter]);
  const rows = use.value === null ? [] : sums_of(use.value.days, by);
  const all = use.value === null ? undefined : sums_of(use.value.days, null)[0];
  return (
    <section class="card">
      <h2>{words.say("second_cost")}</h2>
      <div class="filters">
        <Field label={words.say("from")} type="date" value={from} on_change={set_from} />
        <Field label={words.say("to")} type="date" value={to} on_change={set_to} />
        <Field label={words.say("cost_meter")} value={typed} on_change={set_meter} bytes_max={64}
          wrong={wrong} />
        <Choice label={words.say("cost_by")} value={by}
          choices={[["day", words.say("by_day")], ["meter", words.say("by_meter")]]}
          on_change={(one) => set_by(one as "day" | "meter")} />
      </div>
      {use.value === null ? (
        <Waiting error={use.error} />
      ) : all === undefined ? (
        <p class="facts">{words.say("no_cost")}</p>
      ) : (
        <div class="wide-table" tabIndex={0} role="region" aria-label={words.say("second_cost")}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.say(by === "day" ? "day" : "meter_column")}</th>
                <th scope="col">{words.say("calls")}</th>
                <th scope="col">{words.say("billed")}</th>
                <th scope="col">{words.say("cost_in", use.value.currency)}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ name, calls, billed, cost }) => (
                <tr key={name}>
                  <th scope="row">
                    {by === "day" ? name : <a href={link_to("meters", name)}>{name}</a>}
                  </th>
                  <td>{words.number(calls)}</td>
                  <td>{words.number(billed)}</td>
                  <td>{cost}</td>
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row">{words.say("sum")}</th>
                <td>{words.number(all.calls)}</td>
                <td>{words.number(all.billed)}</td>
                <td>{all.cost}</td>
              </tr>
            </tfoot>
          </table>
        </div>
      )}
      {(use.value?.days.length ?? 0) >= uses_max && (
        <p class="warn">{words.say("cost_cut", uses_max)}</p>
      )}
    </section>
  );
}

export function SecondPart() {
  return (
    <>
      <State />
      <Policies />
      <Cost />
    </>
  );
}
