// A button that wants to be pressed twice, for what cannot be undone.
import { useState } from "preact/hooks";
import { use_words } from "./hooks";
import type { Word } from "../words/words";

export function Sure(props: {
  word: Word;
  sure: Word;
  act: () => void;
  about?: string; // for who cannot see beside what it stands
}) {
  const words = use_words();
  const [asked, ask] = useState(false);
  const text = words.say(asked ? props.sure : props.word);
  return (
    <button
      type="button"
      class="danger"
      aria-label={props.about === undefined ? undefined : words.say("of", text, props.about)}
      onBlur={() => ask(false)}
      onClick={() => {
        if (asked) props.act();
        ask(!asked);
      }}
    >
      {text}
    </button>
  );
}
