// An input of a register's digits: a digit typed replaces the one at the cursor, as on a counter.
import { forwardRef } from "preact/compat";
import { useLayoutEffect, useRef, type MutableRef } from "preact/hooks";

export interface DigitsProps {
  label: string;
  digits: string;
  focus_at: number; // where the cursor stands at first: the first wheel that is not certain
  about: string | number; // another one: the cursor is put there again
  on_change: (digits: string) => void;
  wrong?: string | null;
}

// The digits and the cursor after a key: pure, for the tests.
export function replace_digit(
  digits: string,
  from: number,
  to: number,
  typed: string,
): [digits: string, cursor: number] {
  const good = typed.replace(/\D/g, "");
  if (good === "") return [digits, from];
  const covered = Math.max(to - from, good.length);
  return [(digits.slice(0, from) + good + digits.slice(from + covered)).slice(0, 12),
    Math.min(from + good.length, 12)];
}

export const DigitsInput = forwardRef<HTMLInputElement, DigitsProps>((props, given) => {
  const own = useRef<HTMLInputElement>(null);
  const cursor = useRef<number | null>(null);
  const { digits, on_change } = props;
  useLayoutEffect(() => {
    own.current?.setSelectionRange(props.focus_at, props.focus_at + 1);
  }, [props.about]);
  useLayoutEffect(() => {
    if (cursor.current !== null && own.current !== null)
      own.current.setSelectionRange(cursor.current, cursor.current + 1);
    cursor.current = null;
  });
  return (
    <input
      ref={(element) => {
        own.current = element;
        if (given !== null) (given as MutableRef<HTMLInputElement | null>).current = element;
      }}
      class="digits"
      aria-label={props.label}
      aria-invalid={Boolean(props.wrong)}
      inputMode="numeric"
      autoComplete="off"
      spellcheck={false}
      maxLength={13}
      style={{ width: `calc(${Math.max(5, digits.length)} * (1ch + 0.18em) + 1.6rem)` }}
      value={digits}
      onBeforeInput={(event: InputEvent) => {
        const { data, inputType } = event;
        if (data === null || !inputType.startsWith("insert")) return;
        event.preventDefault();
        const input = event.currentTarget as HTMLInputElement;
        const from = input.selectionStart ?? digits.length;
        const [next, at] = replace_digit(digits, from, input.selectionEnd ?? from, data);
        cursor.current = at;
        on_change(next);
      }}
      onInput={(event) => on_change(event.currentTarget.value.replace(/\D/g, "").slice(0, 12))}
    />
  );
});
