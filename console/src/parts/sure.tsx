// A button that wants to be pressed twice, for what cannot be undone.
import { useState } from "preact/hooks";
import { use_words } from "./hooks";
import type { Word } from "../words/words";

export function Sure(props: { word: Word; sure: Word; act: () => void }) {
  const words = use_words();
  const [asked, ask] = useState(false);
  return (
    <button
      type="button"
      class="danger"
      onBlur={() => ask(false)}
      onClick={() => {
        if (asked) props.act();
        ask(!asked);
      }}
    >
      {words.say(asked ? props.sure : props.word)}
    </button>
  );
}
