// A reading's digits as the wheels of its meter, and its window as a shape to draw.
import type { Reading } from "./api/openapi";

export interface Wheel {
  digit: string;
  red: boolean; // a decimal
  certain: boolean; // the reader stands behind it
  sure: number | null; // 0 to 1; null: not known, or a person's digit
}

export type Point = [x: number, y: number];

type Seen = Pick<Reading, "digits" | "red" | "certain"> &
  Partial<Pick<Reading, "wheels" | "review">>;

export function wheels_of(reading: Seen): Wheel[] {
  const digits = [...reading.digits];
  const { wheels = [], review = null } = reading;
  const seen = review === null ? reading.digits : review.seen.digits;
  const is_known = wheels.length === digits.length && seen === reading.digits;
  return digits.map((digit, index) => ({
    digit,
    red: index >= digits.length - reading.red,
    certain: index < reading.certain,
    sure: is_known ? wheels[index]! : null,
  }));
}

// For a screen reader: the value without its leading zeros, "4 7 1 . 9".
export function spoken(value: string): string {
  return [...value].join(" ");
}

export function has_window(window: Point[]): boolean {
  return window.length === 4 && window.some(([x, y]) => x !== 0 || y !== 0);
}

function between([ax, ay]: Point, [bx, by]: Point, share: number): Point {
  return [ax + (bx - ax) * share, ay + (by - ay) * share];
}

// The four corners of each wheel: the window, cut into equal parts along its reading direction.
export function wheel_shapes(window: Point[], count: number): Point[][] {
  const [a, b, c, d] = window as [Point, Point, Point, Point];
  return Array.from({ length: count }, (_, index) => {
    const from = index / count;
    const to = (index + 1) / count;
    return [between(a, b, from), between(a, b, to), between(d, c, to), between(d, c, from)];
  });
}

const length_of = ([ax, ay]: Point, [bx, by]: Point): number => Math.hypot(bx - ax, by - ay);

export interface Crop {
  width: number;
  height: number;
  // Of a canvas: photo pixels to crop pixels.
  transform: [a: number, b: number, c: number, d: number, e: number, f: number];
}

// The window upright, `width` wide, with a margin of that share of its height around it.
export function crop_of(window: Point[], width: number, margin_share = 0.6): Crop {
  const [a, b, c, d] = window as [Point, Point, Point, Point];
  const across = (length_of(a, b) + length_of(d, c)) / 2;
  const down = (length_of(a, d) + length_of(b, c)) / 2;
  const margin = down * margin_share;
  const scale = width / (across + 2 * margin);
  // Unit vectors of the window's own axes; a photo may be turned, the axes stay at right angles.
  const angle = Math.atan2(b[1] + c[1] - a[1] - d[1], b[0] + c[0] - a[0] - d[0]);
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  const middle: Point = [(a[0] + b[0] + c[0] + d[0]) / 4, (a[1] + b[1] + c[1] + d[1]) / 4];
  const height = (down + 2 * margin) * scale;
  const e = width / 2 - (cos * middle[0] + sin * middle[1]);
  const f = height / 2 - (-sin * middle[0] + cos * middle[1]);
  return { width, height, transform: [cos, -sin, sin, cos, e, f] };
}
