// The button that orders a photo, and how the order goes on, packet by packet.
import { is_over } from "../api/api";
import type { Entry } from "../fleet";
import { order_photo } from "../live";
import { use_words } from "./hooks";

export function Order({ entry, described_by }: { entry: Entry; described_by?: string }) {
  const words = use_words();
  const { command, device, error } = entry;
  const running = command !== null && !is_over(command);
  const { packets_total = 0, packets_received = 0 } = command ?? {};
  // Not `disabled`: the focus must stay where it is while the photo comes.
  return (
    <div class="order">
      <button
        type="button"
        class="main take"
        aria-disabled={running}
        aria-describedby={described_by}
        onClick={() => {
          if (!running) void order_photo(device.id);
        }}
      >
        {words.say(running ? "working" : "take_photo")}
      </button>
      {running && (
        <progress
          aria-label={words.say("working")}
          {...(packets_total > 0 ? { max: packets_total, value: packets_received } : {})}
        />
      )}
      <p class="progress" role="status" data-state={command?.state ?? ""}>
        {command === null ? "" : words.progress(command, device.online)}
      </p>
      {error !== null && (
        <p class="error" role="alert">
          {words.error(error.code, error.message)}
        </p>
      )}
    </div>
  );
}
