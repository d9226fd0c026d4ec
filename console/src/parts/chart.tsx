// A curve or columns over time. uPlot comes with the first chart, not with the page.
import { useEffect, useRef } from "preact/hooks";
import type { AlignedData, Options } from "uplot";
import { use_value } from "../observe";
import { colours } from "../theme";
import { use_words } from "./hooks";

export interface ChartProps {
  label: string; // for who cannot see it; should say what there is to see
  seconds: number[]; // Unix, growing
  lines: { name: string; values: (number | null)[]; colour: "accent" | "warn" }[];
  columns?: boolean;
  span?: [from: number, to: number]; // Unix seconds of the axis, else those of the points
  height?: number;
  on_point?: (index: number) => void; // a click
}

const height_px = 220;

// Room for half a column at both ends.
function with_room(seconds: number[]): [number, number] {
  const [first = 0, second = first + 86_400] = seconds;
  const half = (second - first) / 2;
  return [first - half, (seconds[seconds.length - 1] ?? first) + half];
}

function options_of(props: ChartProps, width: number, locale: string, at: string): Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 } };
  const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
  const minute = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
  const second = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const format_of = (step: number): Intl.DateTimeFormat =>
    step >= 86_400 ? day : step >= 60 ? minute : second;
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  return {
    width,
    height: props.height ?? height_px,
    cursor: { drag: { x: false, y: false } },
    scales: props.columns
      ? {
          x: { range: () => with_room(props.seconds) },
          y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
        }
      : props.span
        ? { x: { range: () => props.span! } }
        : {},
    axes: [
      {
        ...axis,
        space: 72, // a time with seconds
        values: (_, splits, __, ___, step) => {
          const texts = splits.map((at) => format_of(step).format(at * 1000));
          // Within one second: said once.
          return texts.map((text, index) => (text === texts[index - 1] ? "" : text));
        },
      },
      {
        ...axis,
        size: 64,
        values: (_, splits) => splits.map((value) => value.toLocaleString(locale)),
      },
    ],
    series: [
      { label: at, value: (_, at) => (at === null ? "" : moment.format(at * 1000)) },
      ...props.lines.map((line) => ({
        label: line.name,
        stroke: colour(line.colour),
        width: 2,
        points: { show: !props.columns, size: 5 },
        value: (_: unknown, value: number | null) =>
          value === null ? "" : value.toLocaleString(locale, { maximumFractionDigits: 3 }),
      })),
    ],
  };
}

export function Chart(props: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const newest = useRef(props);
  newest.current = props;
  const words = use_words();
  const { language } = words;
  const theme = use_value(colours);
  const key = JSON.stringify([props.seconds, props.lines, props.columns, props.height,
    props.span]);
  useEffect(() => {
    const element = holder.current;
    if (element === null || props.seconds.length === 0) return;
    let stop = (): void => undefined;
    let wanted = true;
    void import("uplot").then(({ default: Plot }) => {
      if (!wanted) return;
      const locale = language === "zh" ? "zh-CN" : "en-GB";
      const options = options_of(props, element.clientWidth, locale, words.say("at"));
      if (props.columns)
        for (const one of options.series.slice(1)) {
          one.paths = Plot.paths.bars!({ size: [0.7, 60] });
          one.fill = one.stroke as string;
        }
      const data = [props.seconds, ...props.lines.map((line) => line.values)] as AlignedData;
      const plot = new Plot(options, data, element);
      plot.over.addEventListener("click", () => {
        const { idx } = plot.cursor;
        if (idx != null) newest.current.on_point?.(idx);
      });
      const sized = new ResizeObserver(() =>
        plot.setSize({ width: element.clientWidth, height: options.height }),
      );
      sized.observe(element);
      stop = () => {
        sized.disconnect();
        plot.destroy();
      };
    });
    return () => {
      wanted = false;
      stop();
    };
  }, [key, language, theme]);
  if (props.seconds.length === 0) return null;
  return (
    <div
      class="chart"
      role="img"
      aria-label={props.label}
      ref={holder}
      style={{ minHeight: `${(props.height ?? height_px) + 30}px` }}
    />
  );
}
