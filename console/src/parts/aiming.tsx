// Aiming: small live frames of the camera, with a hint on sharpness and glare.
import { useEffect, useRef, useState } from "preact/hooks";
import { aim, view_url } from "../api/api";
import { judge_pixels, type FrameJudgement } from "../sharpness";
import { Outcome } from "./form";
import { use_action, use_events, use_words } from "./hooks";

const seconds = 120;
const period_ms = 1_000;

function judge_image(image: HTMLImageElement): FrameJudgement | null {
  const canvas = document.createElement("canvas");
  canvas.width = Math.min(320, image.naturalWidth);
  canvas.height = Math.round((image.naturalHeight * canvas.width) / image.naturalWidth);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null || canvas.width === 0) return null;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return judge_pixels(data, canvas.width, canvas.height);
}

export function Aiming({ device }: { device: string }) {
  const words = use_words();
  const action = use_action();
  const [until_ms, set_until] = useState(0);
  const [now_ms, set_now] = useState(Date.now());
  const [frame, set_frame] = useState(0);
  const [judged, set_judged] = useState<FrameJudgement | null>(null);
  const best = useRef(0);
  const left = Math.ceil((until_ms - now_ms) / 1000);
  const running = left > 0;
  use_events("view", (view) => {
    if (view.device === device) set_frame(view.number);
  });
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => set_now(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [running]);
  // A camera left aiming would send frames to nobody.
  const is_on = useRef(false);
  is_on.current = running;
  useEffect(() => () => {
    if (is_on.current) aim(device, 0).catch(() => undefined);
  }, [device]);

  async function start(): Promise<void> {
    best.current = 0;
    await aim(device, seconds, period_ms);
    set_now(Date.now());
    set_until(Date.now() + seconds * 1000);
  }

  async function stop(): Promise<void> {
    await aim(device, 0);
    set_until(0);
  }

  function take(image: HTMLImageElement): void {
    const seen = judge_image(image);
    if (seen !== null) best.current = Math.max(best.current, seen.sharpness);
    set_judged(seen);
  }

  return (
    <div class="aiming">
      <p class="send">
        <button
          type="button"
          class="main"
          onClick={() => void action.run(running ? stop : start)}
        >
          {words.say(running ? "stop_aiming" : "start_aiming")}
        </button>
        <span class="facts" role="timer">
          {running ? words.say("seconds_left", left) : ""}
        </span>
        <Outcome action={action} done="" />
      </p>
      {frame > 0 ? (
        <img
          class="frame"
          src={view_url(device, frame)}
          data-frame={frame}
          alt={words.say("live_frame", device)}
          onLoad={(event) => take(event.currentTarget)}
        />
      ) : (
        running && <p class="photo-empty">{words.say("waiting_for_frame")}</p>
      )}
      {judged !== null && (
        <div class="hints" role="status">
          <label>
            {words.say("sharpness")}
            <meter
              min={0}
              max={best.current}
              low={best.current * 0.6}
              optimum={best.current}
              value={judged.sharpness}
            />
          </label>
          {judged.hints.map((hint) => (
            <p key={hint} class={hint === "good" ? "hint good" : "hint warn"}>
              {words.choice("aim", hint)}
            </p>
          ))}
        </div>
      )}
    </div>
  );
}
