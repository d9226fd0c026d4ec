// Readings of a meter that schedules wanted and that did not come in time.
import { list_missing } from "../api/api";
import { use_calm_events, use_loaded, use_words } from "./hooks";
import { Waiting } from "./form";

const shown = 20;

export function MissingReadings({ meter }: { meter: string }) {
  const words = use_words();
  const missing = use_loaded(() => list_missing(meter, shown), [meter]);
  use_calm_events(["reading", "alarm"], missing.reload);
  return (
    <section class="card missing">
      <h2>{words.say("missing")}</h2>
      {missing.value === null ? (
        <Waiting error={missing.error} />
      ) : missing.value.items.length === 0 ? (
        <p class="facts">{words.say("missing_none")}</p>
      ) : (
        <ul class="lines">
          {missing.value.items.map((one) => (
            <li key={one.id} data-missing={one.id} data-open={one.closed_ms === null}>
              {words.time(one.due_ms)}{" "}
              <span class="facts">
                {one.closed_ms === null ? words.reason(one.reason) : words.say("missing_late")}
                {one.closed_ms === null &&
                  one.estimate !== null &&
                  ` · ${words.say("missing_estimated")}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
