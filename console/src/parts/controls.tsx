// What a SmartDTU can be told besides taking photos: any JSON to one of its ports, its pins, ports,
// timers and program; and what was told before.
import { useState } from "preact/hooks";
import {
  list_controls,
  send_raw,
  set_gpio,
  set_timer,
  set_uart,
  update_firmware,
} from "../api/fleet_calls";
import type { Control, Device, GpioControl, TimerControl, UartControl } from "../api/openapi";
import { json_fault } from "../typed";
import { Choice, Field, Form, TextArea, Waiting } from "./form";
import { use_action, use_words } from "./hooks";
import { Payload } from "./messages";
import { More, use_paged, use_polling } from "./paged";

interface Given {
  device: Device;
  told: () => void; // a control was ordered
}

const ports = ["0", "1", "2"];
const pin_count = 14;

// A part of what the device last said of itself, like "gpio" or "timer1".
function said_of(device: Device, part: string): Record<string, unknown> {
  const said = device.state?.[part];
  return typeof said === "object" && said !== null ? (said as Record<string, unknown>) : {};
}

function number_of(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

export function whole_in(text: string, least: number, most: number): number | null {
  if (!/^\d{1,9}$/.test(text.trim())) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}

function PortChoice(props: { value: string; on_change: (port: string) => void }) {
  const words = use_words();
  return (
    <Choice
      label={words.say("port")}
      value={props.value}
      choices={ports.map((port) => [port, `UART${port}`])}
      on_change={props.on_change}
    />
  );
}

function SendForm({ device, told }: Given) {
  const words = use_words();
  const action = use_action();
  const [port, set_port] = useState("1");
  const [text, set_text] = useState("");
  const fault = json_fault(text);
  return (
    <Form
      title={words.say("send_json")}
      submit={words.say("send")}
      action={action}
      wrong={fault !== null}
      done={words.say("on_its_way")}
      on_submit={() => void action.run(() => send_raw(device.id, Number(port), text).finally(told))}
    >
      <PortChoice value={port} on_change={set_port} />
      <TextArea
        label={words.say("json")}
        value={text}
        on_change={set_text}
        wrong={fault === null || fault === "empty" ? null : words.choice("json", fault)}
        hint={words.say("json_hint")}
      />
    </Form>
  );
}

function PinsForm({ device, told }: Given) {
  const words = use_words();
  const action = use_action();
  const [typed, set_typed] = useState<GpioControl>({});
  const said = said_of(device, "gpio");
  const names = Array.from({ length: pin_count }, (_, index) => `gpio${index + 1}`);
  const count = Object.keys(typed).length;
  const set = (name: string) => (text: string): void => {
    const { [name]: _, ...others } = typed;
    set_typed(text === "" ? others : { ...others, [name]: Number(text) });
  };
  return (
    <Form
      title={words.say("pins")}
      submit={words.say("send_settings", count)}
      action={action}
      wrong={count === 0}
      done={words.say("on_its_way")}
      on_submit={() =>
        void action.run(async () => {
          await set_gpio(device.id, typed).finally(told);
          set_typed({});
        })
      }
    >
      <div class="pins">
        {names.map((name) => {
          const level = number_of(said[name]);
          return (
            <Choice
              key={name}
              label={`${name.toUpperCase()}: ${level ?? "?"}`}
              value={typed[name] === undefined ? "" : String(typed[name])}
              choices={[["", words.say("as_it_is")], ["0", "0"], ["1", "1"]]}
              on_change={set(name)}
            />
          );
        })}
      </div>
    </Form>
  );
}

const bauds = ["1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200", "230400",
  "460800", "921600"];

function UartForm({ device, told }: Given) {
  const words = use_words();
  const action = use_action();
  const [port, set_port] = useState("1");
  const [typed, set_typed] = useState<Record<string, string>>({});
  const given = Object.entries(typed).filter(([, text]) => text !== "");
  const rows: [name: keyof UartControl, word: string, choices: [string, string][]][] = [
    ["baud_rate", words.say("baud"), bauds.map((baud) => [baud, baud])],
    ["data_bits", words.say("data_bits"), ["5", "6", "7", "8"].map((one) => [one, one])],
    ["parity", words.say("parity"),
      ["0", "1", "2"].map((one) => [one, words.choice("parity", one)])],
    ["stop_bits", words.say("stop_bits"), ["1", "2"].map((one) => [one, one])],
    ["flow_control", words.say("flow_control"),
      ["0", "1"].map((one) => [one, words.choice("switch", one)])],
  ];
  async function save(): Promise<void> {
    const numbers = given.map(([name, text]) => [name, Number(text)]);
    const uart = { uart: Number(port), ...Object.fromEntries(numbers) } as UartControl;
    await set_uart(device.id, uart).finally(told);
    set_typed({});
  }
  return (
    <Form
      title={words.say("ports")}
      submit={words.say("send_settings", given.length)}
      action={action}
      wrong={given.length === 0}
      done={words.say("on_its_way")}
      on_submit={() => void action.run(save)}
    >
      <p class="facts">{words.say("restarts_hint")}</p>
      <div class="fields">
        <PortChoice value={port} on_change={set_port} />
        {rows.map(([name, label, choices]) => (
          <Choice
            key={name}
            label={label}
            value={typed[name] ?? ""}
            choices={[["", words.say("as_it_is")], ...choices]}
            on_change={(text) => set_typed({ ...typed, [name]: text })}
          />
        ))}
      </div>
    </Form>
  );
}

const tells: Record<string, TimerControl["callback"]> = {
  both: ["aht10", "gpio"],
  aht10: ["aht10"],
  gpio: ["gpio"],
};

function TimerForm({ device, told }: Given) {
  const words = use_words();
  const action = use_action();
  const [typed, set_typed] = useState({
    timer: "1", period_s: "60", mode: "repeat", tells: "both",
  });
  const set = (key: keyof typeof typed) => (text: string) => set_typed({ ...typed, [key]: text });
  const period_s = whole_in(typed.period_s, 1, 86_400);
  const said = said_of(device, `timer${typed.timer}`);
  const period_ms = number_of(said["period"]);
  const is_on = number_of(said["status"]);
  const now =
    is_on === null ? null : is_on === 0 ? words.say("timer_off")
    : words.say("timer_on", words.number((period_ms ?? 0) / 1000));
  const order: TimerControl = {
    timer: Number(typed.timer),
    period_ms: (period_s ?? 0) * 1000,
    enabled: typed.mode !== "off",
    repeat: typed.mode !== "once",
    callback: tells[typed.tells]!,
  };
  return (
    <Form
      title={words.say("timers")}
      submit={words.say("set_timer")}
      action={action}
      wrong={period_s === null}
      done={words.say("on_its_way")}
      on_submit={() => void action.run(() => set_timer(device.id, order).finally(told))}
    >
      <p class="facts">{words.say("timers_about")}</p>
      <div class="fields">
        <Choice
          label={words.say("timer")}
          value={typed.timer}
          choices={["1", "2", "3"].map((one) => [one, one])}
          on_change={set("timer")}
        />
        <Choice
          label={words.say("timer_mode")}
          value={typed.mode}
          choices={["repeat", "once", "off"].map((one) => [one, words.choice("timer_mode", one)])}
          on_change={set("mode")}
        />
        <Field
          label={words.say("period_s")}
          value={typed.period_s}
          on_change={set("period_s")}
          numeric
          wrong={period_s === null ? words.say("number_from_to", 1, 86_400) : null}
        />
        <Choice
          label={words.say("tells")}
          value={typed.tells}
          choices={Object.keys(tells).map((one) => [one, words.choice("tells", one)])}
          on_change={set("tells")}
        />
      </div>
      {now !== null && <p class="facts">{words.say("said_now", now)}</p>}
    </Form>
  );
}

function FirmwareForm({ device, told }: Given) {
  const words = use_words();
  const action = use_action();
  const [address, set_address] = useState("");
  const good = /^http:\/\/[^ ,\u0000-\u0020\u007f-\uffff]{1,505}$/.test(address.trim());
  return (
    <Form
      title={words.say("fota")}
      submit={words.say("send")}
      action={action}
      wrong={!good}
      done={words.say("on_its_way")}
      on_submit={() =>
        void action.run(() => update_firmware(device.id, address.trim()).finally(told))
      }
    >
      <Field
        label={words.say("fota_address")}
        value={address}
        on_change={set_address}
        bytes_max={512}
        wrong={good || address === "" ? null : words.say("http_wanted")}
        hint={words.say("fota_hint")}
      />
    </Form>
  );
}

function is_open({ kind, state }: Control): boolean {
  return state === "queued" || (state === "sent" && kind !== "send" && kind !== "fota");
}

function Line({ control }: { control: Control }) {
  const words = use_words();
  return (
    <li data-control={control.id} data-state={control.state}>
      <strong>{words.choice("control", control.kind)}</strong>{" "}
      <span class={`badge ${control.state}`}>{words.choice("told", control.state)}</span>{" "}
      <span class="facts">{words.short_time(control.updated_ms)}</span>
      {control.reason !== null && <span class="warn"> {words.reason(control.reason)}</span>}
      <Payload text={JSON.stringify(control.payload)} />
    </li>
  );
}

// Temperature and humidity, when its sensor is there (it says -50 when not).
function Climate({ device }: { device: Device }) {
  const words = use_words();
  const said = said_of(device, "aht10");
  const temperature = number_of(said["temperature"]);
  const humidity = number_of(said["humidity"]);
  if (temperature === null || temperature <= -50)
    return <p class="facts">{words.say("no_climate")}</p>;
  return (
    <p class="climate">
      {words.number(temperature)} °C
      {humidity !== null && ` · ${words.number(humidity)} % ${words.say("humidity")}`}
    </p>
  );
}

export function Controls({ device }: { device: Device }) {
  const words = use_words();
  const list = use_paged(
    (limit, cursor) => list_controls(device.id, limit, cursor),
    [device.id],
  );
  const items = list.value?.items ?? [];
  use_polling(items.some(is_open), list.reload);
  const given = { device, told: list.reload };
  return (
    <div class="controls">
      <h3>{words.say("send_json")}</h3>
      <SendForm {...given} />
      <h3>{words.say("climate")}</h3>
      <Climate device={device} />
      <h3>{words.say("timers")}</h3>
      <TimerForm {...given} />
      <h3>{words.say("pins")}</h3>
      <PinsForm {...given} />
      <h3>{words.say("ports")}</h3>
      <UartForm {...given} />
      <h3>{words.say("fota")}</h3>
      <FirmwareForm {...given} />
      <h3>{words.say("told_before")}</h3>
      {list.value === null ? (
        <Waiting error={list.error} />
      ) : items.length === 0 ? (
        <p class="facts">{words.say("nothing_told")}</p>
      ) : (
        <ul class="lines">
          {items.map((control) => (
            <Line key={control.id} control={control} />
          ))}
        </ul>
      )}
      <More list={list} />
    </div>
  );
}
