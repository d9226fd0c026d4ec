// Readings out for billing, as CSV; meters and values by hand in, with the bad lines listed.
import { useId, useState } from "preact/hooks";
import { export_readings, import_csv, type ImportKind } from "../api/admin";
import { ApiError } from "../api/http";
import type { Import } from "../api/openapi";
import { Choice, Field, Form } from "../parts/form";
import { use_action, use_words } from "../parts/hooks";
import { days_text, midnight_ms } from "./billing_time";

const name_pattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;
const export_bytes_max = 200 * 1024 * 1024; // what a browser holds with ease
const import_bytes_max = 2_500_000;
const bad_shown = 100;

function save_file(parts: string[], name: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function first_of_month(): string {
  const now = new Date();
  return days_text(new Date(now.getFullYear(), now.getMonth(), 1));
}

function Export() {
  const words = use_words();
  const [from, set_from] = useState(first_of_month());
  const [to, set_to] = useState("");
  const [typed, set_meter] = useState("");
  const [all, set_all] = useState(false);
  const [rows, set_rows] = useState(0);
  const action = use_action();
  const meter = typed.trim();
  const meter_wrong = meter !== "" && !name_pattern.test(meter) ? words.say("name_wanted") : null;
  const from_ms = from === "" ? undefined : midnight_ms(from, 0);
  const to_ms = to === "" ? undefined : midnight_ms(to, 1); // the last day counts
  const order_wrong =
    from_ms && to_ms && from_ms >= to_ms ? words.say("from_before_to") : null;
  const is_wrong = from_ms === null || to_ms === null || order_wrong !== null;

  async function download(): Promise<void> {
    const filter = {
      ...(from_ms ? { from: from_ms } : {}),
      ...(to_ms ? { to: to_ms } : {}),
      ...(meter === "" ? {} : { meter }),
      ...(all ? { all: "true" } : {}),
    };
    const parts: string[] = [];
    let bytes = 0;
    let count = 0;
    set_rows(0);
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: { text: string; next: string | null } = await export_readings(filter, cursor);
      parts.push(page.text);
      bytes += page.text.length;
      count += page.text.split("\n").length - (cursor === "" ? 2 : 1);
      set_rows(count);
      cursor = page.next;
      if (bytes > export_bytes_max)
        throw new ApiError("too_much", "", 0);
    }
    save_file(parts, `readings-${from || "all"}-${to || days_text(new Date())}.csv`);
  }

  return (
    <section class="card">
      <h2>{words.say("billing_export")}</h2>
      <p class="facts">{words.say("billing_export_about")}</p>
      <Form
        title={words.say("billing_export")}
        submit={words.say("download")}
        action={action}
        done={words.say("rows_saved", words.number(rows))}
        wrong={is_wrong || meter_wrong !== null}
        on_submit={() => void action.run(download)}
      >
        <div class="fields">
          <Field label={words.say("from")} type="date" value={from} on_change={set_from}
            wrong={order_wrong} />
          <Field label={words.say("to_day")} type="date" value={to} on_change={set_to} />
          <Field label={words.say("cost_meter")} value={typed} on_change={set_meter}
            bytes_max={64} wrong={meter_wrong} />
        </div>
        <p>
          <label>
            <input type="checkbox" checked={all}
              onChange={(event) => set_all(event.currentTarget.checked)} />{" "}
            {words.say("export_all")}
          </label>
        </p>
        {action.busy && <p class="facts" role="status">{words.say("rows_come", rows)}</p>}
      </Form>
    </section>
  );
}

function Outcome({ done, accept }: { done: Import; accept: (() => void) | null }) {
  const words = use_words();
  return (
    <div class={done.bad_count === 0 ? "notice good" : "notice warn"} role="status"
      data-taken={done.taken}>
      <p>
        {words.say("import_taken", words.number(done.taken), words.number(done.lines),
          words.number(done.bad_count))}
      </p>
      {done.bad.length > 0 && (
        <ul class="lines bad-lines">
          {done.bad.slice(0, bad_shown).map(({ line, reason }) => (
            <li key={line}>
              {words.say("line", line)} {words.reason(reason)}
            </li>
          ))}
        </ul>
      )}
      {done.bad_count > bad_shown && (
        <p>{words.say("bad_more", words.number(done.bad_count - bad_shown))}</p>
      )}
      {accept !== null && (
        <button type="button" onClick={accept}>
          {words.say("import_good", words.number(done.good))}
        </button>
      )}
    </div>
  );
}

function ImportForm() {
  const words = use_words();
  const id = useId();
  const [kind, set_kind] = useState<ImportKind>("meters");
  const [file, set_file] = useState<File | null>(null);
  const [reason, set_reason] = useState("");
  const [done, set_done] = useState<Import | null>(null);
  const action = use_action();
  const too_large = file !== null && file.size > import_bytes_max;
  const run = (accept_good: boolean) => (): void =>
    void action.run(async () => {
      set_done(null);
      set_done(await import_csv(kind, file!, { accept_good, reason: reason.trim() }));
    });
  const may_accept = done !== null && done.taken === 0 && done.good > 0 && done.bad_count > 0;
  return (
    <section class="card">
      <h2>{words.say("csv_import")}</h2>
      <p class="facts">{words.say("csv_import_about")}</p>
      <Form
        title={words.say("csv_import")}
        submit={words.say("import")}
        action={action}
        done=""
        wrong={file === null || too_large}
        on_submit={run(false)}
      >
        <Choice
          label={words.say("import_what")}
          value={kind}
          choices={[
            ["meters", words.say("import_meters")],
            ["readings", words.say("import_values")],
          ]}
          on_change={(value) => {
            set_kind(value as ImportKind);
            set_done(null);
          }}
        />
        <p class="facts">
          {words.say("import_columns")}{" "}
          <code>
            {kind === "meters"
              ? "id,medium,wheels,decimals,unit,factor,serial,place"
              : "meter,at,value,reason"}
          </code>
        </p>
        <p class="field">
          <label for={id}>{words.say("csv_file")}</label>
          <input
            id={id}
            type="file"
            accept=".csv,text/csv"
            onChange={(event) => {
              set_file(event.currentTarget.files?.[0] ?? null);
              set_done(null);
            }}
          />
          {too_large && <span class="wrong">{words.say("csv_too_large")}</span>}
        </p>
        <Field label={words.say("reason")} value={reason} on_change={set_reason} />
      </Form>
      {done !== null && <Outcome done={done} accept={may_accept ? run(true) : null} />}
    </section>
  );
}

export function BillingPart() {
  return (
    <>
      <Export />
      <ImportForm />
    </>
  );
}
