// A secret that the server tells this once: shown until somebody puts it away.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { use_words } from "./hooks";

export interface Told {
  about: string; // whose it is
  secret: string;
}

export function Secret(props: { told: Told; close: () => void; children?: ComponentChildren }) {
  const words = use_words();
  const [copied, set_copied] = useState(false);
  const code = useRef<HTMLElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const { about, secret } = props.told;
  useEffect(() => {
    set_copied(false);
    box.current?.scrollIntoView({ block: "nearest" });
  }, [secret]);

  // Without HTTPS there is no clipboard: then it is selected, to be copied by hand.
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(secret);
      set_copied(true);
    } catch {
      getSelection()?.selectAllChildren(code.current!);
    }
  }

  return (
    <div class="notice warn secret" role="status" ref={box}>
      <p>
        <strong>{about}</strong> {words.say("shown_once")}
      </p>
      <p>
        <code ref={code}>{secret}</code>
      </p>
      {props.children}
      <p class="send">
        <button type="button" class="small" onClick={() => void copy()}>
          {words.say("copy")}
        </button>
        <button type="button" class="small" onClick={props.close}>
          {words.say("put_away")}
        </button>
        <span class="done">{copied ? words.say("copied") : ""}</span>
      </p>
    </div>
  );
}
