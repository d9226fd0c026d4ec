// Which devices look at a meter, since when and until when.
import { useState } from "preact/hooks";
import { change_watch, create_watch, list_watches } from "../api/api";
import type { Watch } from "../api/openapi";
import { fleet } from "../live";
import { link_to } from "../router";
import { Field, Form, Outcome, Waiting } from "./form";
import { use_action, use_loaded, use_words } from "./hooks";

const suggestions_max = 50;

function Line({ watch, reload }: { watch: Watch; reload: () => void }) {
  const words = use_words();
  const action = use_action();
  const end = async (): Promise<void> => {
    try {
      await change_watch(watch.id, { version: watch.version, to_ms: Date.now() });
    } finally {
      reload();
    }
  };
  return (
    <li>
      <a href={link_to("devices", watch.device)}>{watch.device}</a>{" "}
      <span class="facts">
        {watch.from_ms === null ? words.say("since_ever") : words.time(watch.from_ms)} –{" "}
        {watch.to_ms === null ? words.say("until_now") : words.time(watch.to_ms)}
        {watch.region !== null && ` · ${words.say("has_region")}`}
      </span>{" "}
      {watch.to_ms === null && (
        <button type="button" class="small" onClick={() => void action.run(end)}>
          {words.say("end_watch")}
        </button>
      )}
      <Outcome action={action} />
    </li>
  );
}

export function Watches({ meter }: { meter: string }) {
  const words = use_words();
  const watches = use_loaded(() => list_watches({ meter }), [meter]);
  const [device, set_device] = useState("");
  const action = use_action();
  const name = device.trim();
  return (
    <details class="card">
      <summary>
        <h2>{words.say("watches")}</h2>
      </summary>
      {watches.value === null ? (
        <Waiting error={watches.error} />
      ) : (
        <ul class="lines">
          {watches.value.map((watch) => (
            <Line key={watch.id} watch={watch} reload={watches.reload} />
          ))}
        </ul>
      )}
      <Form
        title={words.say("new_watch")}
        submit={words.say("new_watch")}
        action={action}
        wrong={name === ""}
        on_submit={() =>
          void action.run(async () => {
            await create_watch({ device: name, meter, from_ms: Date.now() });
            set_device("");
            watches.reload();
          })
        }
      >
        <Field
          label={words.say("device")}
          value={device}
          on_change={set_device}
          bytes_max={64}
          list={fleet.all().slice(0, suggestions_max).map((entry) => entry.device.id)}
        />
      </Form>
    </details>
  );
}
