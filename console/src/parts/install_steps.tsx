// The last steps of an installation: the window, the wheels and decimals, the first reading.
import { useEffect, useRef, useState } from "preact/hooks";
import {
  change_meter,
  change_watch,
  get_meter,
  get_reading,
  list_watches,
  photo_url,
  review,
} from "../api/api";
import type { Reading } from "../api/openapi";
import { decision_of } from "../pages/review";
import { has_window, type Point } from "../digits";
import { Crop } from "./crop";
import { load_photo } from "../photos";
import { DigitsInput } from "./digits_input";
import { Field, Form, Outcome } from "./form";
import { use_action, use_words } from "./hooks";
import { Reasons, Register } from "./register";

const key_pixels = 4; // an arrow key moves a corner so far

interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

// What of the photo is shown: large around the window, or all when none was found.
export function area_around(corners: Point[], width: number, height: number): Area {
  if (!has_window(corners)) return { left: 0, top: 0, width, height };
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const across = Math.max(...xs) - Math.min(...xs);
  const down = Math.max(...ys) - Math.min(...ys);
  const wide = Math.min(width, Math.max(across * 1.9, (down * 1.9 * width) / height));
  const high = (wide * height) / width;
  const middle = (values: number[]): number => (Math.max(...values) + Math.min(...values)) / 2;
  const within = (at: number, size: number, most: number): number =>
    Math.min(Math.max(0, at - size / 2), most - size);
  return {
    left: within(middle(xs), wide, width),
    top: within(middle(ys), high, height),
    width: wide,
    height: high,
  };
}

// The photo around the window, with four corners to drag, or to move with the arrow keys.
function Corners(props: {
  photo: number;
  size: Point;
  area: Area;
  corners: Point[];
  change: (corners: Point[]) => void;
}) {
  const words = use_words();
  const svg = useRef<SVGSVGElement>(null);
  const held = useRef<number | null>(null);
  const { area, corners, size } = props;
  const move = (index: number, [x, y]: Point): void => {
    const inside: Point = [
      Math.round(Math.min(size[0], Math.max(0, x))),
      Math.round(Math.min(size[1], Math.max(0, y))),
    ];
    props.change(corners.map((corner, at) => (at === index ? inside : corner)));
  };
  const point_of = (event: PointerEvent): Point => {
    const box = svg.current!.getBoundingClientRect();
    return [
      area.left + ((event.clientX - box.left) / box.width) * area.width,
      area.top + ((event.clientY - box.top) / box.height) * area.height,
    ];
  };
  const steps: Record<string, Point> = {
    ArrowLeft: [-key_pixels, 0],
    ArrowRight: [key_pixels, 0],
    ArrowUp: [0, -key_pixels],
    ArrowDown: [0, key_pixels],
  };
  return (
    <div class="picture corners" style={{ aspectRatio: `${area.width} / ${area.height}` }}>
      <svg
        ref={svg}
        viewBox={`${area.left} ${area.top} ${area.width} ${area.height}`}
        onPointerMove={(event) => {
          if (held.current !== null) move(held.current, point_of(event));
        }}
        onPointerUp={() => (held.current = null)}
      >
        <image href={photo_url(props.photo)} width={size[0]} height={size[1]} />
        <polygon class="outline" points={corners.map((corner) => corner.join(",")).join(" ")} />
        {corners.map(([x, y], index) => (
          <circle
            key={index}
            class="corner"
            cx={x}
            cy={y}
            r={area.width / 26}
            tabindex={0}
            role="button"
            aria-label={words.choice("corner", String(index))}
            onPointerDown={(event) => {
              held.current = index;
              svg.current?.setPointerCapture(event.pointerId);
            }}
            onKeyDown={(event) => {
              const step = steps[event.key];
              if (step === undefined) return;
              event.preventDefault();
              move(index, [x + step[0], y + step[1]]);
            }}
          />
        ))}
      </svg>
    </div>
  );
}

async function keep_window(reading: Reading, region: Point[]): Promise<void> {
  const watches = await list_watches({ device: reading.device, meter: reading.meter });
  const open = watches.find(({ to_ms }) => to_ms === null);
  if (open !== undefined) await change_watch(open.id, { version: open.version, region });
}

export function WindowStep(props: { reading: Reading; next: () => void; again: () => void }) {
  const words = use_words();
  const { reading } = props;
  const found = has_window(reading.window as Point[]);
  const [corners, set_corners] = useState<Point[]>(
    (reading.window as Point[]).map(([x, y]) => [Math.round(x), Math.round(y)]),
  );
  const [size, set_size] = useState<Point | null>(null);
  useEffect(() => {
    const take = ({ naturalWidth: width, naturalHeight: height }: HTMLImageElement): void => {
      set_size([width, height]);
      if (found) return;
      const [left, right] = [width * 0.25, width * 0.75].map(Math.round) as Point;
      const [top, bottom] = [height * 0.42, height * 0.58].map(Math.round) as Point;
      set_corners([[left, top], [right, top], [right, bottom], [left, bottom]]);
      set_moved(true);
    };
    if (reading.photo !== null) void load_photo(reading.photo).then(take, () => undefined);
  }, [reading.photo]);
  const [is_moved, set_moved] = useState(false);
  const action = use_action();
  // Another window is read by the next photo only.
  const keep = async (): Promise<void> => {
    if (is_moved) await keep_window(reading, corners);
    (is_moved ? props.again : props.next)();
  };
  return (
    <>
      <p>{words.say(found ? "window_found" : "window_not_found")}</p>
      {reading.photo !== null && size !== null && (
        <Corners
          photo={reading.photo}
          size={size}
          area={area_around(reading.window as Point[], ...size)}
          corners={corners}
          change={(next) => {
            set_moved(true);
            set_corners(next);
          }}
        />
      )}
      <p class="send">
        <button
          type="button"
          class="main"
          aria-disabled={action.busy}
          onClick={() => void action.run(keep)}
        >
          {words.say(is_moved ? "window_keep" : "window_right")}
        </button>
        <button type="button" onClick={props.again}>
          {words.say("photo_again")}
        </button>
        <Outcome action={action} done="" />
      </p>
    </>
  );
}

export function LayoutStep({ reading, next }: { reading: Reading; next: () => void }) {
  const words = use_words();
  const [wheels, set_wheels] = useState(String(reading.digits.length || ""));
  const [decimals, set_decimals] = useState(String(reading.red));
  const action = use_action();
  const good = (text: string, least: number, most: number): boolean =>
    /^\d{1,2}$/.test(text) && Number(text) >= least && Number(text) <= most;
  const wrong = !good(wheels, 1, 12) || !good(decimals, 0, Number(wheels) || 0);

  async function save(): Promise<void> {
    const { version } = await get_meter(reading.meter);
    await change_meter(reading.meter, {
      version,
      wheels: Number(wheels),
      decimals: Number(decimals),
    });
    next();
  }

  return (
    <Form
      title={words.say("wheels")}
      submit={words.say("next")}
      action={action}
      wrong={wrong}
      done=""
      on_submit={() => void action.run(save)}
    >
      <Crop reading={reading} width={640} />
      <Register reading={reading} />
      <Field label={words.say("wheels")} value={wheels} on_change={set_wheels} numeric
        hint={words.say("wheels_count_hint")}
        wrong={good(wheels, 1, 12) ? null : words.say("number_from_to", 1, 12)} />
      <Field label={words.say("decimals")} value={decimals} on_change={set_decimals} numeric
        hint={words.say("decimals_count_hint")}
        wrong={wrong ? words.say("number_from_to", 0, Number(wheels) || 0) : null} />
    </Form>
  );
}

export function FirstReading(props: { reading: Reading; next: () => void; again: () => void }) {
  const words = use_words();
  const { reading } = props;
  const [digits, set_digits] = useState(reading.digits);
  const action = use_action();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  async function confirm(): Promise<void> {
    // The reading may have been judged anew since the photo came.
    const now = await get_reading(reading.id);
    if (digits !== now.digits || now.verdict !== "accepted")
      await review(now.id, { ...decision_of(now, digits), version: now.version });
    props.next();
  }

  return (
    <form
      class="judge"
      onSubmit={(event) => {
        event.preventDefault();
        if (digits !== "") void action.run(confirm);
      }}
    >
      <p>{words.say("confirm_about")}</p>
      <Crop reading={reading} width={640} />
      <DigitsInput
        ref={input}
        label={words.say("digits_of", reading.meter)}
        digits={digits}
        about={reading.id}
        focus_at={Math.min(reading.certain, Math.max(0, reading.digits.length - 1))}
        on_change={set_digits}
      />
      <Reasons reasons={reading.reasons} />
      <p class="send">
        <button class="main" aria-disabled={digits === "" || action.busy}>
          {words.say("confirm_reading")}
        </button>
        <button type="button" onClick={props.again}>
          {words.say("photo_again")}
        </button>
        <Outcome action={action} done="" />
      </p>
    </form>
  );
}
