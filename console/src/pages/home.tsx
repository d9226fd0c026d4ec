// The home page: how the fleet is, how today goes, what waits for a person, how it went before.
import { useMemo } from "preact/hooks";
import { get_summary, list_readings, list_schedules } from "../api/api";
import { list_groups } from "../api/fleet_calls";
import type { Reading, Summary } from "../api/openapi";
import { due_before } from "../due";
import { fleet, is_whole } from "../live";
import { use_value, use_value_calmly } from "../observe";
import { Alarms } from "../parts/alarms";
import { Chart } from "../parts/chart";
import { Crop } from "../parts/crop";
import { Waiting } from "../parts/form";
import { use_calm_events, use_loaded, use_words } from "../parts/hooks";
import { Register } from "../parts/register";
import { link_to } from "../router";

const day_ms = 86_400_000;
const days_shown = 14;
const doubtful_shown = 6;

function midnight(): number {
  return new Date().setHours(0, 0, 0, 0);
}

function Tile(props: { word: string; value: string | number; tone?: string; to?: string }) {
  const inside = (
    <>
      <span class="tile-value">{props.value}</span> <span class="tile-word">{props.word}</span>
    </>
  );
  const style = `tile ${props.tone ?? ""}`;
  return props.to === undefined ? (
    <p class={style}>{inside}</p>
  ) : (
    <a class={style} href={props.to}>
      {inside}
    </a>
  );
}

// Until all devices have come the summary has their counts.
function Fleet({ summary }: { summary: Summary | null }) {
  const words = use_words();
  use_value_calmly(fleet.version);
  const whole = use_value(is_whole);
  const loaded = whole || summary !== null;
  const known = whole ? fleet.all() : [];
  const devices = whole ? known.length : (summary?.devices ?? 0);
  const online = whole
    ? known.filter(({ device }) => device.online).length
    : (summary?.online ?? 0);
  if (whole && devices === 0)
    return (
      <section class="empty">
        <h2>{words.say("no_devices")}</h2>
        <p>
          <a class="button main" href={link_to("install")}>
            {words.say("nav_install")}
          </a>
        </p>
      </section>
    );
  const count = (value: number): string => (loaded ? words.number(value) : "–");
  return (
    <div class="tiles">
      <Tile word={words.say("devices")} value={count(devices)} to={link_to("devices")} />
      <Tile word={words.say("online")} value={count(online)} tone="good" />
      <Tile
        word={words.say("offline")}
        value={count(devices - online)}
        tone={devices > online ? "bad" : ""}
      />
    </div>
  );
}

function Today({ summary }: { summary: Summary }) {
  const words = use_words();
  const plans = use_loaded(() => Promise.all([list_schedules(), list_groups()]), []);
  const due = useMemo(
    () =>
      plans.value === null
        ? null
        : due_before(midnight() + day_ms, ...plans.value, summary.devices),
    [plans.value, summary.devices],
  );
  const { done, open, failed } = summary.captures;
  return (
    <section aria-labelledby="today">
      <h2 id="today">{words.say("captures_today")}</h2>
      <div class="tiles">
        <Tile word={words.say("captures_done")} value={words.number(done)} tone="good" />
        <Tile word={words.say("captures_open")} value={words.number(open)} />
        <Tile
          word={words.say("captures_due")}
          value={due === null ? "–" : words.number(due)}
          to={link_to("schedules")}
        />
        <Tile
          word={words.say("captures_failed")}
          value={words.number(failed)}
          tone={failed > 0 ? "bad" : ""}
        />
      </div>
    </section>
  );
}

function Doubtful({ count, readings }: { count: number; readings: Reading[] }) {
  const words = use_words();
  return (
    <section aria-labelledby="doubtful">
      <h2 id="doubtful">
        {words.say("doubtful_newest")} <span class="count">{words.number(count)}</span>
      </h2>
      {readings.length === 0 ? (
        <p class="facts">{words.say("nothing_to_review")}</p>
      ) : (
        <>
          <ul class="cards">
            {readings.slice(0, doubtful_shown).map((reading) => (
              <li key={reading.id} class="card">
                {reading.photo !== null && <Crop reading={reading} width={320} />}
                <Register reading={reading} />
                <p class="facts">
                  <a href={link_to("meters", reading.meter)}>{reading.meter}</a>
                  {" · "}
                  {words.short_time(reading.at_ms)}
                </p>
              </li>
            ))}
          </ul>
          <p>
            <a class="button main" href={link_to("review")}>
              {words.say("review_now")}
            </a>
          </p>
        </>
      )}
    </section>
  );
}

function Trend({ summary }: { summary: Summary }) {
  const words = use_words();
  const { days } = summary;
  const sums = days.map((day) => day.accepted + day.doubtful + day.rejected);
  if (sums.every((sum) => sum === 0)) return null;
  const doubtful = days.map((day) => day.doubtful + day.rejected);
  const total = sums.reduce((sum, one) => sum + one, 0);
  const unclear = doubtful.reduce((sum, one) => sum + one, 0);
  return (
    <section aria-labelledby="trend">
      <h2 id="trend">{words.say("trend")}</h2>
      <Chart
        label={words.say("trend_label", days_shown, total, unclear)}
        seconds={days.map((day) => day.from_ms / 1000)}
        columns
        lines={[
          { name: words.say("readings"), values: sums, colour: "accent" },
          { name: words.say("not_accepted"), values: doubtful, colour: "warn" },
        ]}
      />
    </section>
  );
}

export function HomePage() {
  const words = use_words();
  const summary = use_loaded(() => get_summary(midnight(), days_shown), [midnight()]);
  const doubtful = use_loaded(() => list_readings({ verdict: "doubtful" }), []);
  use_calm_events(["command", "reading"], () => {
    summary.reload();
    doubtful.reload();
  });
  return (
    <>
      <h1>{words.say("nav_home")}</h1>
      <Fleet summary={summary.value} />
      <Alarms />
      {summary.value === null ? (
        <Waiting error={summary.error} />
      ) : (
        <>
          <Today summary={summary.value} />
          <Doubtful count={summary.value.doubtful} readings={doubtful.value?.items ?? []} />
          <Trend summary={summary.value} />
        </>
      )}
    </>
  );
}
