// What is wrong now, until its cause has ended; a person says "seen" to each.
import { useState } from "preact/hooks";
import { acknowledge_alarm, open_alarms } from "../api/api";
import type { Alarm } from "../api/openapi";
import { link_to } from "../router";
import { Outcome } from "./form";
import { use_action, use_calm_events, use_loaded, use_words } from "./hooks";

const shown_at_first = 5;

function Subject({ alarm }: { alarm: Alarm }) {
  const { subject, subject_kind } = alarm;
  if (subject_kind === "meter") return <a href={link_to("meters", subject)}>{subject}</a>;
  if (subject_kind === "device") return <a href={link_to("devices", subject)}>{subject}</a>;
  return <>{subject}</>;
}

function Line({ alarm, reload }: { alarm: Alarm; reload: () => void }) {
  const words = use_words();
  const action = use_action();
  const acknowledge = async (): Promise<void> => {
    await acknowledge_alarm(alarm.id);
    reload();
  };
  return (
    <li data-alarm={alarm.id}>
      <strong>{words.choice("alarm", alarm.kind)}</strong> <Subject alarm={alarm} />{" "}
      <span class="facts">
        {words.short_time(alarm.raised_ms)} · {words.reason(alarm.reason)}
      </span>{" "}
      {alarm.acknowledged_ms === null ? (
        <button type="button" class="small" onClick={() => void action.run(acknowledge)}>
          {words.say("acknowledge")}
        </button>
      ) : (
        <span class="facts acknowledged">
          {words.say(
            "acknowledged",
            alarm.acknowledged_by || words.say("somebody"),
            words.short_time(alarm.acknowledged_ms),
          )}
        </span>
      )}
      <Outcome action={action} done="" />
    </li>
  );
}

export function Alarms() {
  const words = use_words();
  const alarms = use_loaded(open_alarms, []);
  const [all, show_all] = useState(false);
  use_calm_events(["alarm"], alarms.reload);
  if (alarms.value === null || alarms.value.items.length === 0) return null;
  const { items, next } = alarms.value;
  return (
    <section class="card alarms" aria-labelledby="alarms">
      <h2 id="alarms">
        {words.say("alarms")}{" "}
        <span class="count">
          {words.number(items.length)}
          {next !== null && "+"}
        </span>
      </h2>
      <ul class="lines">
        {items.slice(0, all ? items.length : shown_at_first).map((alarm) => (
          <Line key={alarm.id} alarm={alarm} reload={alarms.reload} />
        ))}
      </ul>
      {!all && items.length > shown_at_first && (
        <button type="button" class="small" onClick={() => show_all(true)}>
          {words.say("more")}
        </button>
      )}
    </section>
  );
}
