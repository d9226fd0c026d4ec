// A reading as the wheels a person would see, with what the reader and the judge say about it.
import type { Photo, Reading } from "../api/openapi";
import { spoken, wheels_of } from "../digits";
import { use_words } from "./hooks";

type Shown = Parameters<typeof wheels_of>[0] & Pick<Reading, "value">;

export function Register({ reading }: { reading: Shown }) {
  const words = use_words();
  if (reading.digits === "") return null;
  return (
    <p class="register" role="img" aria-label={spoken(reading.value || reading.digits)}>
      {wheels_of(reading).map(({ digit, red, certain, sure }, index) => (
        <span
          key={index}
          class={`wheel${red ? " red" : ""}${certain ? "" : " unclear"}`}
          title={[
            certain ? "" : words.say("digit_uncertain"),
            sure === null ? "" : words.say("confidence", words.percent(sure)),
          ]
            .filter(Boolean)
            .join(", ")}
        >
          {digit}
        </span>
      ))}
    </p>
  );
}

export function Verdict({ verdict }: { verdict: Reading["verdict"] }) {
  return <span class={`badge ${verdict}`}>{use_words().choice("verdict", verdict)}</span>;
}

export function Reasons({ reasons }: { reasons: string[] }) {
  const words = use_words();
  if (reasons.length === 0) return null;
  return (
    <ul class="reasons">
      {reasons.map((reason) => (
        <li key={reason}>{words.reason(reason)}</li>
      ))}
    </ul>
  );
}

export function ReadingView({ reading, photo }: { reading: Reading | null; photo: Photo | null }) {
  const words = use_words();
  const { verdict = "none", status = "none", id = "" } = reading ?? {};
  const note = note_of();
  return (
    <section
      class="reading"
      aria-live="polite"
      aria-label={words.say("reading")}
      data-verdict={verdict}
      data-status={status}
      data-reading={id}
    >
      {reading === null ? (
        <p class="facts">{words.say("no_reading")}</p>
      ) : (
        <>
          <Register reading={reading} />
          <p class="verdict">
            <span class="status">{words.choice("status", reading.status)}</span>{" "}
            <span class="facts">
              {words.say("confidence", words.percent(reading.confidence))}
              {" · "}
              {words.choice("verdict_long", reading.verdict)}
            </span>
          </p>
          <Reasons reasons={reading.reasons} />
        </>
      )}
      {note !== "" && <p class="note">{note}</p>}
    </section>
  );

  function note_of(): string {
    if (photo === null) return "";
    if (photo.state === "quarantined")
      return words.say("quarantined", words.reason(photo.reason || words.say("quarantined_plain")));
    if (reading === null) return words.say("being_read");
    if ((reading.photo ?? 0) >= photo.id) return "";
    return `${words.say("being_read")}. ${words.say("older_reading", words.time(reading.at_ms))}`;
  }
}
