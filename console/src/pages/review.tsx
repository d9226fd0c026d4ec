// The review queue: one doubtful photo after the other, by keyboard. Enter takes the digits as they
// stand, digits correct them, R rejects, S leaves it for later.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { list_readings } from "../api/api";
import type { Reading } from "../api/openapi";
import { error_of, type ApiError } from "../api/http";
import { epoch } from "../live";
import { use_value } from "../observe";
import { Crop } from "../parts/crop";
import { DigitsInput } from "../parts/digits_input";
import { Field, Waiting } from "../parts/form";
import { use_events, use_loaded, use_words } from "../parts/hooks";
import { Picture } from "../parts/picture";
import { Reasons, Register, Verdict } from "../parts/register";
import { load_photo } from "../photos";
import { queue, type Decision, type Item } from "../review_queue";
import { link_to } from "../router";

const photos_ahead = 6;
const crop_px = 960;
// As they are stored; words/reasons.ts has them in Chinese.
const rejections = ["no meter in the photo", "blurred", "glare", "too dark", "the wrong window"];

export function decision_of(reading: Reading, digits: string): Decision {
  return digits === reading.digits ? { verdict: "accepted" } : { verdict: "manual", digits };
}

function Note({ item }: { item: Item }) {
  const words = use_words();
  const { note, reading } = item;
  if (note === null) return null;
  const elsewhere = note.code === "conflict" || note.code === "decided_elsewhere";
  return (
    <div class="notice warn" role="alert">
      {elsewhere ? (
        <>
          <p>{words.say("review_conflict", reading.review?.reviewer ?? words.say("somebody"))}</p>
          <p class="said">
            <Verdict verdict={reading.verdict} /> <Register reading={reading} />
          </p>
        </>
      ) : (
        <p>{words.say("review_back", words.error(note.code, note.message))}</p>
      )}
    </div>
  );
}

// What the meter read before, for comparison.
function Before({ reading }: { reading: Reading }) {
  const words = use_words();
  const { meter, at_ms, id } = reading;
  const accepted = use_loaded(() => list_readings({ meter, verdict: "accepted" }), [meter]);
  const last = accepted.value?.items.find(
    (one) => one.id !== id && (one.at_ms ?? 0) <= (at_ms ?? 0),
  );
  if (last === undefined) return null;
  return (
    <p class="facts">
      {words.say("accepted_before", last.value || last.digits, words.time(last.at_ms))}
    </p>
  );
}

function Rejecting(props: { reject: (reason: string) => void; close: () => void }) {
  const words = use_words();
  const [text, set_text] = useState("");
  const first = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => first.current?.focus(), []);
  return (
    <div
      class="rejecting"
      role="group"
      aria-label={words.say("reject_why")}
      onKeyDown={(event) => {
        if (event.key === "Escape") props.close();
        const reason = rejections[Number(event.key) - 1];
        if (reason === undefined || event.target instanceof HTMLInputElement) return;
        event.preventDefault();
        props.reject(reason);
      }}
    >
      <p>{words.say("reject_why")}</p>
      <p class="choices">
        {rejections.map((reason, index) => (
          <button
            key={reason}
            type="button"
            ref={index === 0 ? first : null}
            onClick={() => props.reject(reason)}
          >
            <kbd>{index + 1}</kbd> {words.reason(reason)}
          </button>
        ))}
      </p>
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "") props.reject(text.trim());
        }}
      >
        <Field label={words.say("other_reason")} value={text} on_change={set_text} />
        <button aria-disabled={text.trim() === ""}>{words.say("reject")}</button>
        <button type="button" onClick={props.close}>
          {words.say("cancel")}
        </button>
      </form>
    </div>
  );
}

function Card({ item }: { item: Item }) {
  const words = use_words();
  const { reading } = item;
  const input = useRef<HTMLInputElement>(null);
  const [rejecting, set_rejecting] = useState(false);
  const digits = item.typed ?? reading.digits;
  const wrong = digits === "" ? words.say("digits_wanted") : null;
  // Before it is seen, so that no key that follows is lost.
  useLayoutEffect(() => {
    set_rejecting(false);
    input.current?.focus();
  }, [reading.id]);

  function decide(decision: Decision): void {
    set_rejecting(false);
    void queue.decide(decision);
    input.current?.focus();
  }

  function on_key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || rejecting) return;
    if (event.key === "r" || event.key === "R") set_rejecting(true);
    else if (event.key === "s" || event.key === "S") queue.skip();
    else return;
    event.preventDefault();
  }

  return (
    <article class="card review" data-reading={reading.id} onKeyDown={on_key}>
      <Note item={item} />
      {reading.photo === null ? (
        <p class="photo-empty">{words.say("no_photo")}</p>
      ) : (
        <Crop reading={reading} width={crop_px} />
      )}
      <form
        class="judge"
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong === null) decide(decision_of(reading, digits));
        }}
      >
        <DigitsInput
          ref={input}
          label={words.say("digits_of", reading.meter)}
          digits={digits}
          about={reading.id}
          focus_at={Math.min(reading.certain, Math.max(0, reading.digits.length - 1))}
          on_change={(next) => queue.type(next)}
          wrong={wrong}
        />
        <button class="main" aria-disabled={wrong !== null}>
          <kbd>↵</kbd> {words.say(item.typed === null ? "accept" : "correct")}
        </button>
        <button type="button" onClick={() => set_rejecting(!rejecting)}>
          <kbd>R</kbd> {words.say("reject")}
        </button>
        <button type="button" onClick={() => queue.skip()}>
          <kbd>S</kbd> {words.say("later")}
        </button>
      </form>
      {rejecting && (
        <Rejecting
          reject={(reason) => decide({ verdict: "rejected", reason })}
          close={() => {
            set_rejecting(false);
            input.current?.focus();
          }}
        />
      )}
      <div class="halves">
        <div>
          <p class="facts">
            <a href={link_to("meters", reading.meter)}>{reading.meter}</a>
            {" · "}
            {words.time(reading.at_ms)}
            {" · "}
            {words.say("confidence", words.percent(reading.confidence))}
          </p>
          <Register reading={reading} />
          <Before reading={reading} />
          <Reasons reasons={reading.reasons} />
        </div>
        {reading.photo !== null && (
          <Picture
            photo={reading.photo}
            reading={reading}
            alt={words.say("photo_of", reading.meter, words.time(reading.at_ms))}
          />
        )}
      </div>
    </article>
  );
}

export function ReviewPage() {
  const words = use_words();
  const version = use_value(queue.version);
  const now = use_value(epoch);
  const [error, set_error] = useState<ApiError | null>(null);
  use_events("reading", (reading) => queue.take(reading));
  useEffect(() => {
    queue.refresh().then(
      () => set_error(null),
      (failed) => set_error(error_of(failed)),
    );
  }, [now]);
  useEffect(() => {
    for (const { reading } of queue.items.slice(0, photos_ahead))
      if (reading.photo !== null) void load_photo(reading.photo).catch(() => undefined);
  }, [version]);
  const item = queue.current();
  return (
    <>
      <header class="title">
        <h1>{words.say("nav_review")}</h1>
        <p class="facts" role="status">
          {words.say("review_counts", queue.items.length, queue.done)}
          {queue.sending > 0 && ` · ${words.say("review_sending", queue.sending)}`}
        </p>
      </header>
      {item !== undefined ? (
        <Card item={item} />
      ) : queue.is_loaded ? (
        <p class="notice good">{words.say("nothing_to_review")}</p>
      ) : (
        <Waiting error={error} />
      )}
      <p class="facts only-wide">{words.say("review_keys")}</p>
    </>
  );
}
