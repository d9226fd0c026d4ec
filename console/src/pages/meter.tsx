// One meter: its course and use, its photos through time, and what a person may say of it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get_meter, list_exchanges, list_said, reading_history } from "../api/api";
import type { Exchange, Meter, Reading } from "../api/openapi";
import { course_of, csv_of, use_of, type Step } from "../consumption";
import { Chart } from "../parts/chart";
import { Choice, Waiting } from "../parts/form";
import { use_loaded, use_words } from "../parts/hooks";
import { EstimateForm, ExchangeForm, ManualForm, MeterForm } from "../parts/meter_forms";
import { use_readings } from "../parts/meter_readings";
import { MissingReadings } from "../parts/missing";
import { Picture } from "../parts/picture";
import { Reasons, Register, Verdict } from "../parts/register";
import { TagsForm } from "../parts/tags";
import { Watches } from "../parts/watches";
import { load_photo } from "../photos";

const spans = { week: 7, month: 31, year: 366, all: 0 } as const;
type Span = keyof typeof spans;
const steps: Step[] = ["hour", "day", "month"];

function Curves(props: { meter: Meter; readings: Reading[]; exchanges: Exchange[] }) {
  const words = use_words();
  const [step, set_step] = useState<Step>("day");
  const { meter, readings, exchanges } = props;
  const points = useMemo(
    () => course_of(readings, exchanges, Number(meter.factor)),
    [readings, exchanges, meter.factor],
  );
  const used = useMemo(() => use_of(points, step), [points, step]);
  const unit = meter.unit ?? "";
  const last = points[points.length - 1];
  const first = points[0];
  if (first === undefined || last === undefined)
    return <p class="facts">{words.say("no_accepted_readings")}</p>;
  const spanned = `${words.number(last.total)} ${unit}`.trim();
  return (
    <>
      <p class="facts">{words.say("used_since", spanned, words.time(first.at_ms))}</p>
      <Chart
        label={words.say("course_label", points.length, words.number(last.value), unit)}
        seconds={points.map(({ at_ms }) => at_ms / 1000)}
        lines={[
          {
            name: `${words.say("reading")} ${unit}`.trim(),
            values: points.map(({ value }) => value),
            colour: "accent",
          },
        ]}
      />
      <Choice
        label={words.say("use_per")}
        value={step}
        choices={steps.map((one) => [one, words.choice("step", one)])}
        on_change={(value) => set_step(value as Step)}
      />
      {used.length === 0 ? (
        <p class="facts">{words.say("two_readings_wanted")}</p>
      ) : (
        <Chart
          columns
          label={words.say("use_label", spanned)}
          seconds={used.map(({ from_ms }) => from_ms / 1000)}
          lines={[
            {
              name: `${words.say("used")} ${unit}`.trim(),
              values: used.map((one) => one.used),
              colour: "accent",
            },
          ]}
        />
      )}
    </>
  );
}

// Where two readers were asked: what each saw, and who was believed.
function SaidByReaders({ reading }: { reading: Reading }) {
  const words = use_words();
  const said = use_loaded(() => list_said(reading.id), [reading.id]);
  if (said.value === null || said.value.length === 0) return null;
  return (
    <ul class="lines said">
      {said.value.map((one) => (
        <li key={one.reader} data-reader={one.reader}>
          {words.choice("reader", one.reader)}: <strong>{one.digits || "–"}</strong>{" "}
          <span class="facts">
            {words.choice("said", one.status)}
            {one.believed && ` · ${words.say("believed")}`}
            {one.note !== null && ` · ${words.reason(one.note)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function History({ reading }: { reading: Reading }) {
  const words = use_words();
  const history = use_loaded(() => reading_history(reading.id), [reading.id, reading.version]);
  if (history.value === null) return <Waiting error={history.error} />;
  return (
    <>
      <SaidByReaders reading={reading} />
      <ol class="lines">
        {history.value.map((word) => (
          <li key={word.version}>
            <Verdict verdict={word.verdict} /> {word.value || word.digits || "–"}{" "}
            <span class="facts">
              {words.time(word.at_ms)} · {word.author ?? words.choice("by", word.by)}
              {word.reason !== null && ` · ${words.reason(word.reason)}`}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

function Timeline({ readings }: { readings: Reading[] }) {
  const words = use_words();
  const seen = useMemo(
    () => readings.filter(({ photo, at_ms }) => photo !== null && at_ms !== null).reverse(),
    [readings],
  );
  const [chosen, choose] = useState<number | null>(null); // a reading's id; null: the newest
  const found = seen.findIndex(({ id }) => id === chosen);
  const index = found < 0 ? seen.length - 1 : found;
  const reading = seen[index];
  useEffect(() => {
    for (const beside of [index - 1, index + 1, index + 2]) {
      const photo = seen[beside]?.photo;
      if (photo != null) void load_photo(photo).catch(() => undefined);
    }
  }, [index, seen]);
  if (reading === undefined || reading.photo === null)
    return <p class="photo-empty">{words.say("no_photo")}</p>;
  const at = words.time(reading.at_ms);
  return (
    <div class="timeline">
      <label>
        <span class="facts">
          {words.say("photo_of_all", index + 1, seen.length)} · {at}
        </span>
        <input
          type="range"
          min={0}
          max={seen.length - 1}
          value={index}
          aria-valuetext={at}
          onInput={(event) => choose(seen[Number(event.currentTarget.value)]?.id ?? null)}
        />
      </label>
      <div class="halves">
        <Picture photo={reading.photo} reading={reading} alt={words.say("photo_at", at)} />
        <div class="reading" data-reading={reading.id} data-verdict={reading.verdict}>
          <p>
            <Verdict verdict={reading.verdict} />{" "}
            <span class="facts">
              {words.say("confidence", words.percent(reading.confidence))}
            </span>
          </p>
          <Register reading={reading} />
          <Reasons reasons={reading.reasons} />
          <details>
            <summary>{words.say("history")}</summary>
            <History reading={reading} />
          </details>
        </div>
      </div>
    </div>
  );
}

function save_csv(meter: string, readings: Reading[]): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv_of(readings)], { type: "text/csv" }));
  link.download = `${meter}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
}

export function MeterPage({ id }: { id: string }) {
  const words = use_words();
  const [span, set_span] = useState<Span>("month");
  const meter = use_loaded(() => get_meter(id), [id]);
  const exchanges = use_loaded(() => list_exchanges(id), [id]);
  const { readings, loaded } = use_readings(id, spans[span]);
  if (meter.value === null) return <Waiting error={meter.error} />;
  const now = meter.value;
  const renew = async (): Promise<void> => {
    await Promise.all([meter.renew(), exchanges.renew(), loaded.renew()]);
  };
  const reload = (): void => void renew();
  const facts = [
    now.medium === null ? words.say("medium_unknown") : words.choice("medium", now.medium),
    now.place,
    now.serial,
  ].filter(Boolean);
  return (
    <>
      <header class="title">
        <h1>{id}</h1>
        <span class="facts">{facts.join(" · ")}</span>
      </header>
      <div class="filters">
        <Choice
          label={words.say("span")}
          value={span}
          choices={(Object.keys(spans) as Span[]).map((one) => [one, words.choice("span", one)])}
          on_change={(value) => set_span(value as Span)}
        />
        <p class="facts" role="status">
          {loaded.value === null ? words.say("loading") : words.say("count_readings",
            words.number(readings.length))}
        </p>
        <button type="button" onClick={() => save_csv(id, readings)}>
          {words.say("export")}
        </button>
      </div>
      {loaded.error !== null && <Waiting error={loaded.error} />}
      <section class="card" aria-labelledby="course">
        <h2 id="course">{words.say("course")}</h2>
        <Curves meter={now} readings={readings} exchanges={exchanges.value ?? []} />
      </section>
      <section class="card" aria-labelledby="photos">
        <h2 id="photos">{words.say("photos")}</h2>
        <Timeline readings={readings} />
      </section>
      <div class="halves">
        <ManualForm meter={now} reload={reload} />
        <ExchangeForm meter={now} exchanges={exchanges.value ?? []} renew={renew} />
        <EstimateForm meter={now} reload={reload} />
        <MeterForm meter={now} renew={meter.renew} />
        <Watches meter={id} />
        <MissingReadings meter={id} />
        <details class="card">
          <summary>
            <h2>{words.say("tags")}</h2>
          </summary>
          <TagsForm kind="meters" id={id} />
        </details>
      </div>
    </>
  );
}
