// All meters by name, and a new one.
import { useState } from "preact/hooks";
import { create_meter, list_meters, type Page } from "../api/api";
import type { Meter } from "../api/openapi";
import { use_loaded, use_action, use_words } from "../parts/hooks";
import { Field, Form, Waiting } from "../parts/form";
import { go, link_to } from "../router";
import { cursor_before, is_name } from "../typed";

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

export function MetersPage() {
  const words = use_words();
  const [search, set_search] = useState("");
  const [more, set_more] = useState<Page<Meter>>({ items: [], next: null });
  const action = use_action();
  const first = use_loaded(async () => {
    const page = await list_meters();
    set_more({ items: [], next: page.next });
    return page.items;
  }, []);
  // A name typed whole is asked for from its place in the list, however far that is.
  const typed = search.trim();
  const found = use_loaded(
    () => (is_name(typed) ? list_meters(cursor_before(typed)) : Promise.resolve(null)),
    [typed],
  );
  if (first.value === null) return <Waiting error={first.error} />;
  const known = [...first.value, ...more.items];
  const wanted = typed.toLowerCase();
  const near = (found.value?.items ?? []).filter(({ id }) => id.startsWith(typed));
  const shown = known.filter(({ id, place, serial }) =>
    [id, place ?? "", serial ?? ""].some((text) => text.toLowerCase().includes(wanted)),
  );
  const ids = new Set(shown.map(({ id }) => id));
  const all = typed === "" ? known : [...shown, ...near.filter(({ id }) => !ids.has(id))];
  return (
    <>
      <h1>{words.say("nav_meters")}</h1>
      <div class="filters">
        <Field label={words.say("search")} value={search} on_change={set_search} bytes_max={200} />
      </div>
      {all.length === 0 && <p class="notice">{words.say("no_meters")}</p>}
      <ul class="cards">
        {all.map((meter) => (
          <li key={meter.id} class="card">
            <a class="stretched" href={link_to("meters", meter.id)}>
              <strong>{meter.id}</strong>
            </a>
            <p class="facts">
              {meter.medium === null
                ? words.say("medium_unknown")
                : words.choice("medium", meter.medium)}
              {meter.place !== null && ` · ${meter.place}`}
              {meter.serial !== null && ` · ${meter.serial}`}
            </p>
          </li>
        ))}
      </ul>
      {more.next !== null && (
        <p>
          <button
            type="button"
            onClick={() =>
              void action.run(async () => {
                const page = await list_meters(more.next ?? "");
                set_more({ items: [...more.items, ...page.items], next: page.next });
              })
            }
          >
            {words.say("more")}
          </button>
        </p>
      )}
      <NewMeter />
    </>
  );
}
