// Tries something that somebody else answers, and says what came of it.
import { useState } from "preact/hooks";
import type { Tried } from "../api/admin";
import { Outcome } from "../parts/form";
import { use_action, use_words } from "../parts/hooks";

export function TryButton<T extends Tried>(props: {
  say: string;
  about?: string; // for who cannot see beside what it stands
  act: () => Promise<T>;
  done: string;
  failed: (tried: T) => string;
}) {
  const words = use_words();
  const action = use_action();
  const [tried, set_tried] = useState<T | null>(null);
  const { say, about } = props;
  const run = async (): Promise<void> => {
    set_tried(null);
    set_tried(await props.act());
  };
  return (
    <p class="send try">
      <button
        type="button"
        aria-disabled={action.busy}
        aria-label={about === undefined ? undefined : words.say("of", say, about)}
        onClick={() => void action.run(run)}
      >
        {action.busy ? words.say("working") : say}
      </button>
      <Outcome action={action} done={tried?.ok ? props.done : ""} />
      {tried !== null && !tried.ok && (
        <span role="alert" class="error">
          {props.failed(tried)}
        </span>
      )}
    </p>
  );
}
