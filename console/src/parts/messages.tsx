// What went to and fro between the server and one device, as it was on the wire.
import { useState } from "preact/hooks";
import { list_messages, type Message } from "../api/fleet_calls";
import { Choice, Field, Waiting } from "./form";
import { use_words } from "./hooks";
import { More, use_news_of, use_paged } from "./paged";

type Direction = "all" | Message["direction"];

const scrolled_from = 300; // letters: about as many as show without scrolling on a phone

export function Payload({ text }: { text: string }) {
  return (
    <code class="payload" tabIndex={text.length > scrolled_from ? 0 : undefined}>
      {text}
    </code>
  );
}

function Line({ message }: { message: Message }) {
  const words = use_words();
  const { direction, at_ms, topic, payload_bytes, encoding, payload } = message;
  return (
    <li data-direction={direction}>
      <p class="facts">
        <strong>{words.choice("direction", direction)}</strong> {words.time(at_ms)}{" "}
        <code>{topic}</code> {words.say("count_bytes", words.number(payload_bytes))}
        {encoding === "hex" && ` · ${words.say("in_hex")}`}
      </p>
      <Payload text={payload} />
    </li>
  );
}

export function RawMessages({ device }: { device: string }) {
  const words = use_words();
  const list = use_paged((limit, cursor) => list_messages(device, limit, cursor), [device]);
  const [direction, set_direction] = useState<Direction>("all");
  const [search, set_search] = useState("");
  use_news_of(device, list.reload);
  if (list.value === null) return <Waiting error={list.error} />;
  const wanted = search.trim().toLowerCase();
  const shown = list.value.items.filter(
    (one) =>
      (direction === "all" || one.direction === direction) &&
      `${one.topic} ${one.payload}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <p class="facts">{words.say("messages_about")}</p>
      <div class="filters">
        <Choice
          label={words.say("direction")}
          value={direction}
          choices={(["all", "up", "down"] as const).map((one) => [
            one,
            words.choice("direction", one),
          ])}
          on_change={(value) => set_direction(value as Direction)}
        />
        <Field label={words.say("search")} value={search} on_change={set_search} bytes_max={200} />
        <button type="button" class="small" onClick={list.reload}>
          {words.say("list_again")}
        </button>
      </div>
      {shown.length === 0 && <p class="facts">{words.say("no_messages")}</p>}
      <ul class="messages" tabIndex={0} aria-label={words.say("raw_messages")}>
        {shown.map((message) => (
          <Line key={message.id} message={message} />
        ))}
      </ul>
      <More list={list} />
    </>
  );
}
