// Who is told of readings and alarms, how that goes, and a test message to each.
import { list_sinks, try_sink } from "../api/admin";
import type { Sink } from "../api/openapi";
import { Waiting } from "../parts/form";
import { use_calm_events, use_loaded, use_words } from "../parts/hooks";
import type { Word } from "../words/words";
import { TryButton } from "./try_button";

// The beginning of a sink's name, and how its table in the settings begins.
const kinds: [kind: string, table: string, about: Word][] = [
  ["home_assistant", "[notify.home_assistant]", "sink_home_assistant_about"],
  ["webhook", "[[notify.webhook]]", "sink_webhook_about"],
  ["influxdb", "[notify.influxdb]", "sink_influxdb_about"],
  ["email", "[notify.email]", "sink_email_about"],
];

function Item({ sink, reload }: { sink: Sink; reload: () => void }) {
  const words = use_words();
  const [kind = "", ...rest] = sink.name.split(".");
  const name = [words.choice("sink", kind), ...rest].join(" ");
  const counts = ["delivered", "failures", "refused", "dropped", "backlog"] as const;
  return (
    <li class="card" data-sink={sink.name}>
      <h2>
        {name}{" "}
        <span class={sink.state === "ok" ? "badge accepted" : "badge rejected"}>
          {words.choice("sink_state", sink.state)}
        </span>
      </h2>
      <p class="facts">
        {sink.last_ok_ms === null
          ? words.say("sink_never_ok")
          : words.say("sink_last_ok", words.time(sink.last_ok_ms))}
        {sink.next_try_ms !== null && ` · ${words.say("sink_next", words.time(sink.next_try_ms))}`}
      </p>
      {sink.last_error !== "" && (
        <p class={sink.state === "ok" ? "facts" : "error"}>
          {words.say("sink_error", words.time(sink.last_error_ms),
            words.trouble(sink.last_code, sink.last_error))}
        </p>
      )}
      <dl class="rows-of-facts">
        {counts.map((count) => (
          <div key={count}>
            <dt>{words.choice("sink_count", count)}</dt>
            <dd>{words.number(sink[count])}</dd>
          </div>
        ))}
      </dl>
      <TryButton
        say={words.say("sink_try")}
        about={name}
        act={() => try_sink(sink.name).finally(reload)}
        done={words.say("sink_tried")}
        failed={({ code, error }) => words.trouble(code, error)}
      />
    </li>
  );
}

export function SinksPart() {
  const words = use_words();
  const sinks = use_loaded(list_sinks, []);
  use_calm_events(["reading", "alarm"], sinks.reload);
  if (sinks.value === null) return <Waiting error={sinks.error} />;
  const on = new Set(sinks.value.map(({ name }) => name.split(".")[0]));
  const off = kinds.filter(([kind]) => !on.has(kind));
  return (
    <>
      <ul class="cards wide-cards">
        {sinks.value.map((sink) => (
          <Item key={sink.name} sink={sink} reload={sinks.reload} />
        ))}
      </ul>
      {off.length > 0 && (
        <section class="card">
          <h2>{words.say("sinks_off")}</h2>
          <p class="facts">{words.say("sinks_off_about")}</p>
          <dl class="explained">
            {off.map(([kind, table, about]) => (
              <div key={kind}>
                <dt>
                  {words.choice("sink", kind)} <code>{table}</code>
                </dt>
                <dd>{words.say(about)}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
    </>
  );
}
