// Forms: labelled fields that say what is wrong with them, and the row that sends.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { use_words, type Action } from "./hooks";

// Bytes, for the server counts them so.
export function is_too_long(text: string, bytes_max: number): boolean {
  return new TextEncoder().encode(text).length > bytes_max;
}

// What stands below a field, and how the field names it for who cannot see.
function notes_of(id: string, wrong: string | null, hint: string | null | undefined) {
  const ids = [wrong !== null && `${id}-wrong`, hint && `${id}-hint`].filter(Boolean);
  return {
    described: {
      "aria-invalid": wrong !== null,
      "aria-describedby": ids.join(" ") || undefined,
    },
    notes: (
      <>
        {hint && (
          <span class="hint" id={`${id}-hint`}>
            {hint}
          </span>
        )}
        {wrong !== null && (
          <span class="wrong" id={`${id}-wrong`}>
            {wrong}
          </span>
        )}
      </>
    ),
  };
}

interface FieldProps {
  label: string;
  value: string;
  on_change: (value: string) => void;
  wrong?: string | null;
  hint?: string | undefined;
  type?: "text" | "number" | "datetime-local" | "date" | "password";
  bytes_max?: number;
  required?: boolean;
  list?: string[];
  min?: number;
  max?: number;
  numeric?: boolean;
  disabled?: boolean;
  autocomplete?: "new-password" | "current-password";
}

export function Field(props: FieldProps) {
  const id = useId();
  const words = use_words();
  const { value, bytes_max = 500 } = props;
  const too_long = is_too_long(value, bytes_max) ? words.say("too_long", bytes_max) : null;
  const { described, notes } = notes_of(id, too_long ?? props.wrong ?? null, props.hint);
  return (
    <p class="field">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        type={props.type ?? "text"}
        value={value}
        required={props.required}
        disabled={props.disabled}
        min={props.min}
        max={props.max}
        list={props.list && `${id}-list`}
        inputMode={props.numeric ? "decimal" : undefined}
        autoComplete={props.autocomplete ?? "off"}
        {...described}
        onInput={(event) => props.on_change(event.currentTarget.value)}
      />
      {props.list && (
        <datalist id={`${id}-list`}>
          {props.list.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
      {notes}
    </p>
  );
}

// Of many lines, as programs are written.
export function TextArea(props: {
  label: string;
  value: string;
  on_change: (text: string) => void;
  wrong?: string | null;
  hint?: string;
  rows?: number;
}) {
  const id = useId();
  const { described, notes } = notes_of(id, props.wrong ?? null, props.hint);
  return (
    <p class="field">
      <label for={id}>{props.label}</label>
      <textarea
        id={id}
        rows={props.rows ?? 4}
        spellcheck={false}
        autocapitalize="off"
        value={props.value}
        {...described}
        onInput={(event) => props.on_change(event.currentTarget.value)}
      />
      {notes}
    </p>
  );
}

export function Choice(props: {
  label: string;
  value: string;
  choices: [value: string, text: string][];
  on_change: (value: string) => void;
}) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{props.label}</label>
      <select
        id={id}
        value={props.value}
        onChange={(event) => props.on_change(event.currentTarget.value)}
      >
        {props.choices.map(([value, text]) => (
          <option key={value} value={value} selected={value === props.value}>
            {text}
          </option>
        ))}
      </select>
    </p>
  );
}

export function Outcome({ action, done }: { action: Action; done?: string }) {
  const words = use_words();
  const { error } = action;
  return (
    <>
      <span role="status" class="done">
        {action.done && !action.busy ? (done ?? words.say("saved")) : ""}
      </span>
      <span role="alert" class="error">
        {error === null ? "" : words.error(error.code, error.message)}
      </span>
    </>
  );
}

// What stands marked as wrong is not sent, even where the whole looks right.
export function shows_wrong(form: HTMLElement): boolean {
  const marked = form.querySelector<HTMLElement>('[aria-invalid="true"]');
  marked?.focus();
  return marked !== null;
}

export function Form(props: {
  title: string;
  submit: string;
  action: Action;
  on_submit: () => void;
  wrong?: boolean;
  done?: string;
  children: ComponentChildren;
}) {
  const words = use_words();
  const { action } = props;
  return (
    <form
      noValidate
      aria-label={props.title}
      onSubmit={(event) => {
        event.preventDefault();
        if (!shows_wrong(event.currentTarget) && !props.wrong && !action.busy) props.on_submit();
      }}
    >
      {props.children}
      <p class="send">
        <button class="main" aria-disabled={Boolean(props.wrong) || action.busy}>
          {action.busy ? words.say("working") : props.submit}
        </button>
        <Outcome action={action} {...(props.done === undefined ? {} : { done: props.done })} />
      </p>
    </form>
  );
}

// What went wrong while something was loaded, or that it is still coming.
export function Waiting({ error }: { error: { code: string; message: string } | null }) {
  const words = use_words();
  return error === null ? (
    <p class="notice" role="status">
      {words.say("loading")}
    </p>
  ) : (
    <p class="notice error" role="alert">
      {words.error(error.code, error.message)}
    </p>
  );
}
