// A photo with its reading drawn on it: the window, and each wheel with its digit, green where the
// reader stands behind it.
import { useState } from "preact/hooks";
import { photo_url } from "../api/api";
import type { Reading } from "../api/openapi";
import { has_window, wheel_shapes, wheels_of, type Point } from "../digits";
import { use_words } from "./hooks";

const points = (shape: Point[]): string => shape.map(([x, y]) => `${x},${y}`).join(" ");

function Drawing({ reading }: { reading: Reading }) {
  const words = use_words();
  const window = reading.window as Point[];
  const wheels = wheels_of(reading);
  const shapes = wheel_shapes(window, wheels.length);
  const [a, , , d] = window as [Point, Point, Point, Point];
  const height = Math.hypot(d[0] - a[0], d[1] - a[1]);
  return (
    <>
      {shapes.map((shape, index) => (
        <polygon
          key={index}
          class={wheels[index]?.certain ? "wheel-shape sure" : "wheel-shape"}
          points={points(shape)}
        />
      ))}
      <polygon class="outline" points={points(window)} />
      {shapes.map((shape, index) => {
        const [left, right] = [shape[3]!, shape[2]!];
        const x = (left[0] + right[0]) / 2 + ((d[0] - a[0]) / (height || 1)) * height * 0.45;
        const y = (left[1] + right[1]) / 2 + ((d[1] - a[1]) / (height || 1)) * height * 0.45;
        return (
          <text key={index} class="wheel-digit" x={x} y={y} font-size={height * 0.6}>
            {wheels[index]?.digit}
            {wheels[index]!.sure !== null && (
              <tspan class="wheel-sure" x={x} dy={height * 0.3} font-size={height * 0.22}>
                {words.percent(wheels[index]!.sure!)}
              </tspan>
            )}
          </text>
        );
      })}
    </>
  );
}

export function Picture(props: {
  photo: number;
  alt: string;
  reading?: Reading | null;
  caption?: string | undefined;
}) {
  const words = use_words();
  const [size, set_size] = useState<[photo: number, width: number, height: number]>([0, 4, 3]);
  const [failed, set_failed] = useState(0);
  const { photo, reading } = props;
  const known = size[0] === photo;
  const is_drawn = known && reading != null && reading.photo === photo &&
    has_window(reading.window as Point[]);
  if (failed === photo)
    return <p class="photo-empty">{words.say("photo_missing")}</p>;
  return (
    <figure class="photo">
      <div class="picture" style={known ? { aspectRatio: `${size[1]} / ${size[2]}` } : undefined}>
        <img
          src={photo_url(photo)}
          alt={props.alt}
          decoding="async"
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
            set_size([photo, naturalWidth, naturalHeight])
          }
          onError={() => set_failed(photo)}
        />
        {is_drawn && (
          <svg
            class={reading.status === "read" ? "window sure" : "window"}
            viewBox={`0 0 ${size[1]} ${size[2]}`}
            aria-hidden="true"
          >
            <Drawing reading={reading} />
          </svg>
        )}
      </div>
      {props.caption !== undefined && <figcaption>{props.caption}</figcaption>}
    </figure>
  );
}
