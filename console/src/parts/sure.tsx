// A button that takes something away: it asks once more before it does.
import { useState } from "preact/hooks";
import { use_words } from "./hooks";

export function Sure(props: {
  say: string;
  sure: string;
  act: () => void;
  about?: string; // for who cannot see beside what it stands
}) {
  const words = use_words();
  const [sure, set_sure] = useState(false);
  const text = sure ? props.sure : props.say;
  return (
    <button
      type="button"
      class="small danger"
      aria-label={props.about === undefined ? undefined : words.say("of", text, props.about)}
      onBlur={() => set_sure(false)}
      onClick={() => {
        if (sure) props.act();
        set_sure(!sure);
      }}
    >
      {text}
    </button>
  );
}
