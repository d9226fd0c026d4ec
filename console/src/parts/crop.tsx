// The window of a reading's photo, upright and large: what a person has to judge.
import { useEffect, useRef } from "preact/hooks";
import type { Reading } from "../api/openapi";
import { crop_of, has_window, wheel_shapes, wheels_of } from "../digits";
import type { Crop as Cut, Point } from "../digits";
import { load_photo } from "../photos";
import { use_words } from "./hooks";

function draw(
  canvas: HTMLCanvasElement,
  image: HTMLImageElement,
  cut: Cut,
  reading: Reading,
): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#0c0f11";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(...cut.transform);
  context.drawImage(image, 0, 0);
  const [a, b, c, d, e, f] = cut.transform;
  const at = ([x, y]: Point): Point => [a * x + c * y + e, b * x + d * y + f];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.lineWidth = 2;
  const wheels = wheels_of(reading);
  wheel_shapes(reading.window as Point[], wheels.length).forEach((shape, index) => {
    context.strokeStyle = wheels[index]?.certain ? "#2fe07f" : "#ffb020";
    context.beginPath();
    shape.forEach((point, corner) => {
      if (corner === 0) context.moveTo(...at(point));
      else context.lineTo(...at(point));
    });
    context.closePath();
    context.stroke();
  });
}

// `width` is of the drawing, in pixels; it is shown as wide as there is room.
export function Crop({ reading, width }: { reading: Reading; width: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const words = use_words();
  useEffect(() => {
    let wanted = true;
    if (reading.photo === null) return;
    const take = (image: HTMLImageElement): void => {
      const element = canvas.current;
      if (!wanted || element === null || image.naturalWidth === 0) return;
      const [right, bottom] = [image.naturalWidth, image.naturalHeight];
      const window = reading.window as Point[];
      // Without a window the whole photo.
      const whole: Point[] = [[0, 0], [right, 0], [right, bottom], [0, bottom]];
      const found = has_window(window);
      const cut = crop_of(found ? window : whole, width, found ? 0.6 : 0);
      element.width = width;
      element.height = Math.min(Math.round(cut.height), width);
      draw(element, image, cut, reading);
      element.dataset["photo"] = String(reading.photo);
    };
    void load_photo(reading.photo).then(take, () => undefined);
    return () => {
      wanted = false;
    };
  }, [reading, width]);
  return (
    <canvas
      class="crop"
      ref={canvas}
      width={width}
      height={Math.round(width / 4)}
      role="img"
      aria-label={words.say("photo_of", reading.meter, words.time(reading.at_ms))}
    />
  );
}
