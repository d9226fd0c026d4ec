// What a change changed, from what was kept of before and after.

export interface Change {
  key: string; // like "groups" or "camera.gain"
  before: string | null; // null: it was not there
  after: string | null;
}

export const changes_max = 60;
const depth_max = 3;
const text_max = 200;

function text_of(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > text_max ? `${text.slice(0, text_max)}…` : text;
}

function is_object(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Every value by its key; lists and what lies deep are one text.
function flat(value: unknown, key: string, depth: number, into: Map<string, string>): void {
  if (value === null || value === undefined) return;
  if (!is_object(value) || depth === depth_max) {
    into.set(key, text_of(value));
    return;
  }
  for (const [name, one] of Object.entries(value))
    flat(one, key === "" ? name : `${key}.${name}`, depth + 1, into);
}

// At most `changes_max`; what is the same before and after is left out.
export function changes_of(before: unknown, after: unknown): Change[] {
  const was = new Map<string, string>();
  const is = new Map<string, string>();
  flat(before, "", 0, was);
  flat(after, "", 0, is);
  const keys = [...new Set([...was.keys(), ...is.keys()])];
  return keys
    .map((key) => ({ key, before: was.get(key) ?? null, after: is.get(key) ?? null }))
    .filter((one) => one.before !== one.after)
    .slice(0, changes_max);
}
