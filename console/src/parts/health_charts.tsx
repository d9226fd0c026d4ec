// How a device was, over time: signal, what waits, errors, losses, temperature, humidity.
import { useState } from "preact/hooks";
import { list_health } from "../api/fleet_calls";
import { courses_of, type Course } from "../health";
import { Chart } from "./chart";
import { Choice, Waiting } from "./form";
import { use_loaded, use_words } from "./hooks";

const day_ms = 86_400_000;
const samples_max = 5_000;
const spans = { day: 1, week: 7, month: 30, year: 366 } as const;
type Span = keyof typeof spans;

function Curve({ course, span }: { course: Course; span: [number, number] }) {
  const words = use_words();
  const { quantity, source, seconds, values } = course;
  const shown = quantity === "uptime_s" ? values.map((value) => value / 3600) : values;
  const name = `${words.choice("part", source)}: ${words.choice("health", quantity)}`;
  const range = [Math.min(...shown), Math.max(...shown), shown.at(-1)!];
  const [least, most, newest] = range.map((value) => words.number(value));
  return (
    <section data-quantity={`${source}.${quantity}`}>
      <h3>{name}</h3>
      <Chart
        label={`${name}. ${words.say("curve_label", least!, most!, newest!)}`}
        seconds={seconds}
        lines={[{ name: words.choice("health", quantity), values: shown, colour: "accent" }]}
        span={span}
        height={120}
      />
    </section>
  );
}

export function HealthCharts({ device }: { device: string }) {
  const words = use_words();
  const [span, set_span] = useState<Span>("week");
  const loaded = use_loaded(async () => {
    const to_ms = Date.now();
    const from_ms = to_ms - spans[span] * day_ms;
    const samples = await list_health(device, from_ms, samples_max);
    return { samples, seconds: [from_ms / 1000, to_ms / 1000] as [number, number] };
  }, [device, span]);
  const courses = courses_of(loaded.value?.samples ?? []);
  return (
    <>
      <Choice
        label={words.say("span")}
        value={span}
        choices={(Object.keys(spans) as Span[]).map((one) => [one, words.choice("back", one)])}
        on_change={(value) => set_span(value as Span)}
      />
      {loaded.value === null && <Waiting error={loaded.error} />}
      {loaded.value !== null && courses.length === 0 && (
        <p class="facts">{words.say("no_health")}</p>
      )}
      {courses.map((course) => (
        <Curve
          key={`${course.source}.${course.quantity}`}
          course={course}
          span={loaded.value!.seconds}
        />
      ))}
    </>
  );
}
