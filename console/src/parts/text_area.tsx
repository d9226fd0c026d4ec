// A labelled field of many lines.
import { useId } from "preact/hooks";

export function TextArea(props: {
  label: string;
  value: string;
  on_change: (text: string) => void;
  wrong?: string | null;
  hint?: string;
  rows?: number;
}) {
  const id = useId();
  const wrong = props.wrong ?? null;
  const notes = [wrong !== null && `${id}-wrong`, props.hint && `${id}-hint`].filter(Boolean);
  return (
    <p class="field">
      <label for={id}>{props.label}</label>
      <textarea
        id={id}
        rows={props.rows ?? 4}
        spellcheck={false}
        autocapitalize="off"
        value={props.value}
        aria-invalid={wrong !== null}
        aria-describedby={notes.join(" ") || undefined}
        onInput={(event) => props.on_change(event.currentTarget.value)}
      />
      {props.hint && (
        <span class="hint" id={`${id}-hint`}>
          {props.hint}
        </span>
      )}
      {wrong !== null && (
        <span class="wrong" id={`${id}-wrong`}>
          {wrong}
        </span>
      )}
    </p>
  );
}
