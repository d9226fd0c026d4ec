// What a person may say of a meter: a value read by hand, an exchange, what the meter is.
import { useState } from "preact/hooks";
import { change_meter, enter_value, estimate, exchange_meter } from "../api/api";
import type { Exchange, ExchangeEdit, ManualValue, Meter, MeterEdit } from "../api/openapi";
import { Choice, Field, Form } from "./form";
import { use_action, use_words } from "./hooks";

const decimal = /^\d+(\.\d+)?$/;

// As an input of the browser's own time zone wants it.
export function local_text(at_ms: number): string {
  const date = new Date(at_ms);
  return new Date(at_ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function whole(text: string, least: number, most: number): number | null {
  if (!/^\d{1,12}$/.test(text)) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}

function AtField(props: {
  label?: string;
  value: string;
  on_change: (value: string) => void;
}) {
  const words = use_words();
  const wrong = Number.isNaN(Date.parse(props.value)) ? words.say("time_wanted") : null;
  return (
    <Field
      label={props.label ?? words.say("at")}
      type="datetime-local"
      value={props.value}
      on_change={props.on_change}
      wrong={wrong}
    />
  );
}

export function ManualForm({ meter, reload }: { meter: Meter; reload: () => void }) {
  const words = use_words();
  const [value, set_value] = useState("");
  const [at, set_at] = useState(local_text(Date.now()));
  const [reason, set_reason] = useState("");
  const action = use_action();
  const wrong = value !== "" && !decimal.test(value.trim()) ? words.say("decimal_wanted") : null;

  async function save(): Promise<void> {
    const body: ManualValue = { at_ms: Date.parse(at), value: value.trim() };
    if (reason.trim() !== "") body.reason = reason.trim();
    await enter_value(meter.id, body);
    set_value("");
    set_reason("");
    reload();
  }

  return (
    <details class="card">
      <summary>
        <h2>{words.say("manual_reading")}</h2>
      </summary>
      <Form
        title={words.say("manual_reading")}
        submit={words.say("enter")}
        action={action}
        wrong={value.trim() === "" || wrong !== null || Number.isNaN(Date.parse(at))}
        on_submit={() => void action.run(save)}
      >
        <Field
          label={`${words.say("value")} ${meter.unit ?? ""}`.trim()}
          value={value}
          on_change={set_value}
          wrong={wrong}
          numeric
          bytes_max={32}
          hint={words.say("all_decimals")}
        />
        <AtField value={at} on_change={set_at} />
        <Field label={words.say("reason")} value={reason} on_change={set_reason} />
      </Form>
    </details>
  );
}

const every_ms = { hour: 3_600_000, day: 86_400_000 } as const;
type Every = keyof typeof every_ms;

export function EstimateForm({ meter, reload }: { meter: Meter; reload: () => void }) {
  const words = use_words();
  const [from, set_from] = useState(local_text(Date.now() - 7 * every_ms.day));
  const [to, set_to] = useState(local_text(Date.now()));
  const [every, set_every] = useState<Every>("day");
  const [count, set_count] = useState(0);
  const action = use_action();
  const [from_ms, to_ms] = [Date.parse(from), Date.parse(to)];
  return (
    <details class="card">
      <summary>
        <h2>{words.say("estimates")}</h2>
      </summary>
      <p class="facts">{words.say("estimates_about")}</p>
      <Form
        title={words.say("estimates")}
        submit={words.say("estimates_make")}
        action={action}
        wrong={!(from_ms < to_ms)}
        done={words.say("estimates_made", count)}
        on_submit={() =>
          void action.run(async () => {
            set_count(await estimate(meter.id, { from_ms, to_ms, every_ms: every_ms[every] }));
            reload();
          })
        }
      >
        <AtField label={words.say("from")} value={from} on_change={set_from} />
        <AtField label={words.say("to")} value={to} on_change={set_to} />
        <Choice
          label={words.say("one_per")}
          value={every}
          choices={(["hour", "day"] as const).map((one) => [one, words.choice("step", one)])}
          on_change={(value) => set_every(value as Every)}
        />
      </Form>
    </details>
  );
}

function Exchanges({ exchanges }: { exchanges: Exchange[] }) {
  const words = use_words();
  return (
    <ul class="lines">
      {exchanges.map(({ id, at_ms, serial_before, serial_after }) => (
        <li key={id}>
          {words.time(at_ms)}: {serial_before ?? "–"} → {serial_after ?? "–"}
        </li>
      ))}
    </ul>
  );
}

export function ExchangeForm(props: {
  meter: Meter;
  exchanges: Exchange[];
  renew: () => Promise<void>;
}) {
  const words = use_words();
  const { meter } = props;
  const [at, set_at] = useState(local_text(Date.now()));
  const [typed, set_typed] = useState({ end: "", start: "", serial: "", wheels: "", decimals: "" });
  const action = use_action(props.renew);
  const set = (name: keyof typeof typed) => (value: string) =>
    set_typed({ ...typed, [name]: value });
  const bad = (text: string): string | null =>
    text !== "" && !decimal.test(text) ? words.say("decimal_wanted") : null;
  const wheels = typed.wheels === "" ? undefined : whole(typed.wheels, 1, 12);
  const decimals = typed.decimals === "" ? undefined : whole(typed.decimals, 0, 12);
  const wrong =
    !decimal.test(typed.end) || !decimal.test(typed.start) || wheels === null ||
    decimals === null || Number.isNaN(Date.parse(at));

  async function save(): Promise<void> {
    const { end, start, serial } = typed;
    const edit: ExchangeEdit = { version: meter.version, at_ms: Date.parse(at), end, start };
    if (serial.trim() !== "") edit.serial = serial.trim();
    if (wheels != null) edit.wheels = wheels;
    if (decimals != null) edit.decimals = decimals;
    await exchange_meter(meter.id, edit);
    set_typed({ end: "", start: "", serial: "", wheels: "", decimals: "" });
    await props.renew();
  }

  return (
    <details class="card">
      <summary>
        <h2>{words.say("exchange")}</h2>
      </summary>
      <Form
        title={words.say("exchange")}
        submit={words.say("exchange_submit")}
        action={action}
        wrong={wrong}
        on_submit={() => void action.run(save)}
      >
        <AtField value={at} on_change={set_at} />
        <Field
          label={words.say("exchange_end")}
          value={typed.end}
          on_change={set("end")}
          wrong={bad(typed.end)}
          numeric
          bytes_max={32}
          hint={words.say("all_decimals")}
        />
        <Field
          label={words.say("exchange_start")}
          value={typed.start}
          on_change={set("start")}
          wrong={bad(typed.start)}
          numeric
          bytes_max={32}
        />
        <Field label={words.say("serial_new")} value={typed.serial} on_change={set("serial")}
          bytes_max={64} />
        <Field label={words.say("wheels")} value={typed.wheels} on_change={set("wheels")} numeric
          wrong={wheels === null ? words.say("number_from_to", 1, 12) : null} />
        <Field label={words.say("decimals")} value={typed.decimals} on_change={set("decimals")}
          numeric wrong={decimals === null ? words.say("number_from_to", 0, 12) : null} />
      </Form>
      <Exchanges exchanges={props.exchanges} />
    </details>
  );
}

const media = ["water", "gas", "electricity", "heat"] as const;
const texts = ["medium", "unit", "factor", "serial", "place"] as const;
const numbers = ["wheels", "decimals", "rate_max"] as const;
type Key = (typeof texts)[number] | (typeof numbers)[number];

function text_of(meter: Meter, key: Key): string {
  return String(meter[key] ?? "");
}

// The edit that makes the meter as typed; null when something of it cannot be.
export function edit_of(meter: Meter, typed: Partial<Record<Key, string>>): MeterEdit | null {
  const edit: MeterEdit = { version: meter.version };
  for (const key of texts) {
    const text = typed[key]?.trim();
    if (text === undefined || text === text_of(meter, key)) continue;
    if (key === "factor") {
      if (!decimal.test(text)) return null;
      edit.factor = text;
    } else edit[key] = (text === "" ? null : text) as never;
  }
  const limits = { wheels: [1, 12], decimals: [0, 12], rate_max: [1, 999_999_999_999] } as const;
  for (const key of numbers) {
    const text = typed[key]?.trim();
    if (text === undefined || text === text_of(meter, key)) continue;
    const [least, most] = limits[key];
    const value = text === "" ? null : whole(text, least, most);
    if (value === null && text !== "") return null;
    edit[key] = value;
  }
  return edit;
}

export function MeterForm({ meter, renew }: { meter: Meter; renew: () => Promise<void> }) {
  const words = use_words();
  const [typed, set_typed] = useState<Partial<Record<Key, string>>>({});
  const action = use_action(renew);
  const edit = edit_of(meter, typed);
  const value = (key: Key): string => typed[key] ?? text_of(meter, key);
  const set = (key: Key) => (text: string) => set_typed({ ...typed, [key]: text });
  const wrong = (key: Key): string | null => {
    if (edit_of(meter, { [key]: value(key) }) !== null) return null;
    return words.say(key === "factor" ? "decimal_wanted" : "number_wanted");
  };

  async function save(): Promise<void> {
    await change_meter(meter.id, edit!);
    set_typed({});
    await renew();
  }

  return (
    <details class="card">
      <summary>
        <h2>{words.say("meter_facts")}</h2>
      </summary>
      <Form
        title={words.say("meter_facts")}
        submit={words.say("save")}
        action={action}
        wrong={edit === null || Object.keys(edit).length === 1}
        on_submit={() => void action.run(save)}
      >
        <Choice
          label={words.say("medium")}
          value={value("medium")}
          choices={[
            ["", words.say("medium_unknown")],
            ...media.map((one): [string, string] => [one, words.choice("medium", one)]),
          ]}
          on_change={set("medium")}
        />
        <Field label={words.say("place")} value={value("place")} on_change={set("place")}
          bytes_max={200} />
        <Field label={words.say("serial")} value={value("serial")} on_change={set("serial")}
          bytes_max={64} />
        <Field label={words.say("unit")} value={value("unit")} on_change={set("unit")}
          bytes_max={16} list={["m³", "kWh", "MWh", "GJ"]} />
        <Field label={words.say("factor")} value={value("factor")} on_change={set("factor")}
          bytes_max={32} numeric wrong={wrong("factor")} hint={words.say("factor_hint")} />
        <Field label={words.say("wheels")} value={value("wheels")} on_change={set("wheels")}
          numeric wrong={wrong("wheels")} hint={words.say("wheels_hint")} />
        <Field label={words.say("decimals")} value={value("decimals")} on_change={set("decimals")}
          numeric wrong={wrong("decimals")} hint={words.say("decimals_hint")} />
        <Field label={words.say("rate_max")} value={value("rate_max")} on_change={set("rate_max")}
          numeric wrong={wrong("rate_max")} hint={words.say("rate_max_hint")} />
      </Form>
    </details>
  );
}
