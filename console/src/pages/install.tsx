// Installing a device beside its meter, on a phone: which device, aim, photo, window, wheels and
// decimals, first reading.
import { useEffect, useState } from "preact/hooks";
import { is_over } from "../api/api";
import type { Device, Reading } from "../api/openapi";
import { fleet } from "../live";
import { use_value, use_value_calmly } from "../observe";
import { Aiming } from "../parts/aiming";
import { Field } from "../parts/form";
import { use_words } from "../parts/hooks";
import { FirstReading, LayoutStep, WindowStep } from "../parts/install_steps";
import { Order } from "../parts/order";
import { Scanner } from "../parts/scanner";
import { link_to } from "../router";

const steps = ["device", "aim", "photo", "window", "layout", "confirm", "finished"] as const;
type Step = (typeof steps)[number];
const suggestions_max = 6;

function Chosen(props: { device: string; next: () => void; again: () => void }) {
  const words = use_words();
  const entry = use_value(fleet.entry(props.device));
  if (entry === undefined)
    return (
      <p class="notice warn" role="status">
        {words.say("device_not_here", props.device)}
      </p>
    );
  return (
    <p class="notice" role="status">
      <strong>{props.device}</strong>{" "}
      <span class={entry.device.online ? "state online" : "state"}>
        {words.say(entry.device.online ? "online" : "offline")}
      </span>
    </p>
  );
}

function DeviceStep(props: { device: string; choose: (device: string) => void; next: () => void }) {
  const words = use_words();
  use_value_calmly(fleet.version);
  const [typed, set_typed] = useState(props.device);
  const name = typed.trim();
  const fresh = fleet
    .all()
    .map((entry) => entry.device)
    .sort((a, b) => (b.first_seen_ms ?? 0) - (a.first_seen_ms ?? 0))
    .slice(0, suggestions_max);
  const take = (device: string): void => {
    set_typed(device);
    props.choose(device);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        props.choose(name);
        if (fleet.entry(name).get() !== undefined) props.next();
      }}
    >
      <Field label={words.say("device_name")} value={typed} on_change={take} bytes_max={64}
        hint={words.say("device_name_hint")} />
      <Scanner found={(text) => take(text.trim())} />
      {fresh.length > 0 && (
        <>
          <p class="facts">{words.say("newest_devices")}</p>
          <p class="choices">
            {fresh.map(({ id, online }) => (
              <button
                key={id}
                type="button"
                aria-pressed={id === name}
                onClick={() => take(id)}
              >
                <span class={online ? "state online" : "state"}>{id}</span>
              </button>
            ))}
          </p>
        </>
      )}
      {name !== "" && <Chosen device={name} next={props.next} again={() => take("")} />}
      <p class="send">
        <button class="main" aria-disabled={fleet.entry(name).get() === undefined}>
          {words.say("next")}
        </button>
      </p>
    </form>
  );
}

function PhotoStep(props: { device: string; done: (reading: Reading) => void }) {
  const words = use_words();
  const entry = use_value(fleet.entry(props.device));
  const [ordered, set_ordered] = useState(0); // the command that this step has given
  const command = entry?.command ?? null;
  const running = command !== null && !is_over(command);
  useEffect(() => {
    if (running && command !== null) set_ordered(command.id);
  }, [running, command?.id]);
  const reading = entry?.device.newest_reading ?? null;
  const is_new =
    ordered !== 0 && command?.id === ordered && command.state === "read" &&
    reading !== null && reading.photo === command.photo;
  useEffect(() => {
    if (is_new && reading !== null) props.done(reading);
  }, [is_new]);
  if (entry === undefined) return null;
  return (
    <>
      <p>{words.say("photo_step_about")}</p>
      <Order entry={entry} />
    </>
  );
}

function View(props: {
  step: Step;
  device: string;
  reading: Reading | null;
  choose: (device: string) => void;
  take: (reading: Reading) => void;
  next: () => void;
  go: (step: Step) => void;
}) {
  const words = use_words();
  const { step, device, reading, next } = props;
  const kind: Device["dialect"] = fleet.entry(device).get()?.device.dialect ?? "native";
  const again = (): void => props.go("photo");
  if (step === "device") return <DeviceStep device={device} choose={props.choose} next={next} />;
  if (step === "aim")
    return (
      <>
        <p>{words.say(kind === "native" ? "aim_step_about" : "aim_step_smartdtu")}</p>
        {kind === "native" && <Aiming device={device} />}
        <p class="send">
          <button type="button" class="main" onClick={next}>
            {words.say("next")}
          </button>
        </p>
      </>
    );
  if (step === "photo" || reading === null)
    return <PhotoStep device={device} done={props.take} />;
  if (step === "window") return <WindowStep reading={reading} next={next} again={again} />;
  if (step === "layout") return <LayoutStep reading={reading} next={next} />;
  if (step === "confirm")
    return <FirstReading reading={reading} next={next} again={again} />;
  return (
    <div class="notice good" role="status">
      <p>{words.say("install_finished", reading.meter)}</p>
      <p>
        <a class="button main" href={link_to("meters", reading.meter)}>
          {words.say("to_meter")}
        </a>{" "}
        <button type="button" onClick={() => props.go("device")}>
          {words.say("install_another")}
        </button>
      </p>
    </div>
  );
}

export function InstallPage() {
  const words = use_words();
  const [step, set_step] = useState<Step>("device");
  const [device, set_device] = useState("");
  const [reading, set_reading] = useState<Reading | null>(null);
  const at = steps.indexOf(step);
  const go = (next: Step): void => {
    if (next === "device") {
      set_device("");
      set_reading(null);
    }
    set_step(next);
  };
  return (
    <div class="wizard">
      <h1>{words.say("nav_install")}</h1>
      <ol class="steps">
        {steps.slice(0, -1).map((one, index) => (
          <li
            key={one}
            aria-current={one === step ? "step" : undefined}
            class={index < at ? "past" : ""}
          >
            {words.choice("step_install", one)}
          </li>
        ))}
      </ol>
      <section class="card" data-step={step}>
        <h2>{words.choice("step_install", step)}</h2>
        <View
          step={step}
          device={device}
          reading={reading}
          choose={set_device}
          take={(taken) => {
            set_reading(taken);
            set_step("window");
          }}
          next={() => set_step(steps[at + 1] ?? "finished")}
          go={go}
        />
        {at > 0 && step !== "finished" && (
          <p>
            <button type="button" class="small" onClick={() => set_step(steps[at - 1] ?? "device")}>
              {words.say("back")}
            </button>
          </p>
        )}
      </section>
    </div>
  );
}
