// Meters by name, looked for by what they are and how they stand; and a new one.
import { useRef, useState } from "preact/hooks";
import { create_meter, list_meters, type MeterFilter } from "../api/api";
import { list_groups } from "../api/fleet_calls";
import { fleet } from "../live";
import type { Meter } from "../api/openapi";
import { use_value_calmly } from "../observe";
import { use_loaded, use_action, use_settled, use_words } from "../parts/hooks";
import { Choice, Field, Form, is_too_long, Waiting } from "../parts/form";
import { More, use_paged } from "../parts/paged";
import { go, link_to } from "../router";
import { is_name } from "../typed";

const search_bytes_max = 200;
const verdicts = ["accepted", "doubtful", "rejected", "estimated", "manual", "none"] as const;
const nothing = { search: "", group: "", verdict: "", alarm: "" };
type Wish = typeof nothing;

function NewMeter() {
  const words = use_words();
  const [id, set_id] = useState("");
  const action = use_action();
  const wrong = id !== "" && !is_name(id) ? words.say("name_wanted") : null;
  return (
    <details class="card">
      <summary>
        <h2>{words.say("new_meter")}</h2>
      </summary>
      <Form
        title={words.say("new_meter")}
        submit={words.say("create")}
        action={action}
        wrong={id === "" || wrong !== null}
        on_submit={() =>
          void action.run(async () => {
            await create_meter({ id });
            go("meters", id);
          })
        }
      >
        <Field
          label={words.say("meter_name")}
          value={id}
          on_change={set_id}
          wrong={wrong}
          bytes_max={64}
          hint={words.say("name_wanted")}
        />
      </Form>
    </details>
  );
}

function Filters(props: { wish: Wish; change: (part: Partial<Wish>) => void }) {
  const words = use_words();
  const { wish, change } = props;
  const groups = use_loaded(list_groups, []).value ?? [];
  return (
    <div class="filters">
      <Field label={words.say("search")} value={wish.search} bytes_max={search_bytes_max}
        hint={words.say("meter_search_hint")} on_change={(search) => change({ search })} />
      {groups.length > 0 && (
        <Choice label={words.say("group")} value={wish.group}
          choices={[
            ["", words.say("any_group")],
            ...groups.map(({ group }): [string, string] => [group, group]),
          ]}
          on_change={(group) => change({ group })} />
      )}
      <Choice label={words.say("newest_verdict")} value={wish.verdict}
        choices={[
          ["", words.say("filter_all")],
          ...verdicts.map((one): [string, string] => [one, words.choice("verdict", one)]),
        ]}
        on_change={(verdict) => change({ verdict })} />
      <Choice label={words.say("alarms")} value={wish.alarm}
        choices={[["", words.say("filter_all")], ["true", words.say("with_alarm")]]}
        on_change={(alarm) => change({ alarm })} />
    </div>
  );
}

// With what a device of this page's fleet has read of it last.
function Card({ meter }: { meter: Meter }) {
  const words = use_words();
  use_value_calmly(fleet.version);
  const newest = fleet.find(meter.id)?.device.newest_reading ?? null;
  const reading = newest?.meter === meter.id ? newest : null;
  return (
    <li class="card">
      <a class="stretched" href={link_to("meters", meter.id)}>
        <strong>{meter.id}</strong>
      </a>
      <p class="facts">
        {meter.medium === null ? words.say("medium_unknown") : words.choice("medium", meter.medium)}
        {meter.place !== null && ` · ${meter.place}`}
        {meter.serial !== null && ` · ${meter.serial}`}
      </p>
      {reading !== null && (
        <p class="newest">
          {reading.value || reading.digits || "–"} {meter.unit}{" "}
          {reading.verdict !== "accepted" && (
            <span class={`badge ${reading.verdict}`}>
              {words.choice("verdict", reading.verdict)}
            </span>
          )}{" "}
          <span class="facts">{words.short_time(reading.at_ms)}</span>
        </p>
      )}
    </li>
  );
}

export function MetersPage() {
  const words = use_words();
  const [wish, set_wish] = useState(nothing);
  const search = use_settled(wish.search.trim());
  const asked = { ...wish, search: is_too_long(search, search_bytes_max) ? "" : search };
  const list = use_paged((_, cursor) => list_meters(asked as MeterFilter, cursor), [asked]);
  const kept = useRef<Meter[] | null>(null); // shown until what is asked for now has come
  if (list.value !== null) kept.current = list.value.items;
  const shown = kept.current;
  const is_all = Object.values(asked).every((one) => one === "");
  return (
    <>
      <h1>{words.say("nav_meters")}</h1>
      <Filters wish={wish} change={(part) => set_wish({ ...wish, ...part })} />
      <NewMeter />
      {(shown === null || list.error !== null) && <Waiting error={list.error} />}
      {shown?.length === 0 && (
        <p class="notice">{words.say(is_all ? "no_meters_yet" : "no_meters")}</p>
      )}
      <ul class="cards" aria-busy={list.value === null}>
        {shown?.map((meter) => <Card key={meter.id} meter={meter} />)}
      </ul>
      <More list={list} />
    </>
  );
}
