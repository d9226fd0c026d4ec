// Remote updates of one device: which image goes to it, and how far it has come.
import { useState } from "preact/hooks";
import { list_images, list_updates, order_update } from "../api/api";
import type { Update } from "../api/openapi";
import { link_to } from "../router";
import { Choice, Form, Waiting } from "./form";
import { use_action, use_calm_events, use_loaded, use_words } from "./hooks";

const over: Update["state"][] = ["confirmed", "refused", "failed"];

function Line({ update }: { update: Update }) {
  const words = use_words();
  const running = !over.includes(update.state);
  return (
    <li>
      {words.choice("part", update.part)} {update.version}:{" "}
      <strong>{words.choice("update", update.state)}</strong>
      {update.reason !== null && ` (${words.reason(update.reason)})`}{" "}
      <span class="facts">{words.short_time(update.updated_ms)}</span>
      {running && update.packets_total > 0 && (
        <progress
          aria-label={words.choice("update", update.state)}
          max={update.packets_total}
          value={update.packets_received}
        />
      )}
    </li>
  );
}

export function Updates({ device }: { device: string }) {
  const words = use_words();
  const updates = use_loaded(() => list_updates(device), [device]);
  const images = use_loaded(list_images, []);
  const [image, set_image] = useState("");
  const action = use_action();
  use_calm_events(["update"], updates.reload);
  if (updates.value === null || images.value === null)
    return <Waiting error={updates.error ?? images.error} />;
  if (images.value.length === 0)
    return (
      <p class="facts">
        {words.say("no_images")} <a href={link_to("images")}>{words.say("nav_images")}</a>
      </p>
    );
  const chosen = image || String(images.value[0]?.id ?? "");
  return (
    <>
      <Form
        title={words.say("updates")}
        submit={words.say("order_update")}
        action={action}
        done={words.say("update_ordered")}
        on_submit={() =>
          void action.run(async () => {
            await order_update(device, Number(chosen));
            updates.reload();
          })
        }
      >
        <Choice
          label={words.say("image")}
          value={chosen}
          choices={images.value.map(({ id, part, board, version }) => [
            String(id),
            `${words.choice("part", part)} · ${board} · ${version}`,
          ])}
          on_change={set_image}
        />
      </Form>
      <ul class="lines">
        {updates.value.map((update) => (
          <Line key={update.id} update={update} />
        ))}
      </ul>
    </>
  );
}
