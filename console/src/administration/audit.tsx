// The audit trail: what was changed, by whom, from where; newest first, page by page.
import { useEffect, useState } from "preact/hooks";
import { list_audit, type AuditFilter } from "../api/admin";
import type { Page } from "../api/api";
import type { AuditEntry } from "../api/openapi";
import { Field, Outcome, shows_wrong, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";
import type { Words } from "../words/words";
import { changes_of } from "./changes";

const root = "/api/v1";
const subjects = ["users", "session", "tokens", "devices", "credentials", "products", "meters",
  "readings", "schedules", "images", "profiles", "campaigns", "second", "notify", "import"];

const without_names = ["session", "import", "second"];

function what_of({ method, path, status }: AuditEntry, words: Words): string {
  const [, subject = "", ...rest] = path.slice(root.length).split("/");
  if (subject === "session" && rest.length === 0)
    return words.choice(status === 401 ? "deed_refused" : "deed_session", method);
  // What follows the subject is a name, then what belongs to it.
  const names = without_names.includes(subject) ? 0 : 1;
  const about = rest.map((part, index) =>
    index < names ? plain(part) : words.choice("subject", part));
  const whole = [words.choice("subject", subject), about.join(" · ")].filter(Boolean).join(" ");
  return words.say("of", words.choice("deed", method), whole);
}

// "device d2" has registered itself; whoever else is there has a name alone.
function who_of(who: string, words: Words): string {
  const [, device] = /^device (.+)$/.exec(who) ?? [];
  if (device !== undefined) return `${words.say("device")} ${device}`;
  return who || words.say("nobody_known");
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // kept as it was sent
  }
}

function Changes({ entry }: { entry: AuditEntry }) {
  const words = use_words();
  const changes = changes_of(entry.before, entry.after);
  if (changes.length === 0) return <p class="facts">{words.say("nothing_kept")}</p>;
  return (
    <dl class="explained changes">
      {changes.map(({ key, before, after }) => (
        <div key={key}>
          <dt>
            <code>{key}</code>
          </dt>
          <dd>
            {before !== null && <del>{before}</del>} {after !== null && <ins>{after}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Line({ entry }: { entry: AuditEntry }) {
  const words = use_words();
  const [open, set_open] = useState(false);
  const { id, at_ms, who, by, address, method, path, status } = entry;
  const [way = "", number = ""] = by.split(" ");
  const through = `${words.choice("by", way)} ${number}`.trim();
  return (
    <li data-entry={id}>
      <details onToggle={(event) => set_open(event.currentTarget.open)}>
        <summary>
          {words.time(at_ms)} <strong>{who_of(who, words)}</strong>{" "}
          <span class={status >= 400 ? "error" : ""}>{what_of(entry, words)}</span>
        </summary>
        <p class="facts">
          <code>
            {method} {path}
          </code>{" "}
          · {status} · {words.say("session_from", address || "–")} · {through}
        </p>
        {open && <Changes entry={entry} />}
      </details>
    </li>
  );
}

function Entries({ filter }: { filter: AuditFilter }) {
  const words = use_words();
  const [more, set_more] = useState<Page<AuditEntry>>({ items: [], next: null });
  const action = use_action();
  const key = JSON.stringify(filter);
  const first = use_loaded(() => list_audit(filter), [filter]);
  useEffect(() => set_more({ items: [], next: first.value?.next ?? null }), [key, first.value]);
  if (first.value === null) return <Waiting error={first.error} />;
  const all = [...first.value.items, ...more.items];
  const cursor = more.next;
  return (
    <>
      {all.length === 0 && <p class="facts">{words.say("no_entries")}</p>}
      <ul class="lines audit">
        {all.map((entry) => (
          <Line key={entry.id} entry={entry} />
        ))}
      </ul>
      <p class="send">
        {cursor !== null && (
          <button
            type="button"
            onClick={() =>
              void action.run(async () => {
                const page = await list_audit({ ...filter, cursor });
                set_more({ items: [...more.items, ...page.items], next: page.next });
              })
            }
          >
            {words.say("more")}
          </button>
        )}
        <button type="button" onClick={first.reload}>
          {words.say("load_again")}
        </button>
        <Outcome action={action} done="" />
      </p>
    </>
  );
}

export function AuditPart() {
  const words = use_words();
  const [who, set_who] = useState("");
  const [path, set_path] = useState("");
  const [filter, set_filter] = useState<AuditFilter>({});
  const wanted = path.trim();
  return (
    <section class="card">
      <h2>{words.say("audit")}</h2>
      <p class="facts">{words.say("audit_about")}</p>
      <form
        class="filters"
        role="search"
        aria-label={words.say("audit")}
        onSubmit={(event) => {
          event.preventDefault();
          if (shows_wrong(event.currentTarget)) return;
          const whole = wanted === "" || wanted.startsWith("/") ? wanted : `${root}/${wanted}`;
          set_filter({ who: who.trim(), path: whole });
        }}
      >
        <Field label={words.say("audit_who")} value={who} on_change={set_who} bytes_max={256} />
        <Field label={words.say("audit_path")} value={path} on_change={set_path}
          bytes_max={500} list={subjects} />
        <button>{words.say("show")}</button>
      </form>
      <Entries filter={filter} />
    </section>
  );
}
