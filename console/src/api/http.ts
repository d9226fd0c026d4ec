// One door to the server's JSON API.

const root = "/api/v1";
// Tells the server that a change comes from this page: foreign pages cannot send it.
export const own_header = { "X-Meterlens": "1" };
const patience_ms = 15_000;
// Of what asks somebody else, or works through many rows.
export const long_patience_ms = 330_000;

// A request that did not succeed. `code` is the server's error code, or "unreachable" when no
// answer came.
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

// The one place that hears of answers with status 401, once for all that wait. Resolves to true
// when the requests may be sent again; the pages stay as they are meanwhile, so nothing typed is
// lost.
export const door: { unauthorized: () => Promise<boolean> } = {
  unauthorized: () => Promise.resolve(false),
};

export function error_of(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError("", String(error), 0);
}

async function failure_of(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const error = (body as { error?: { code?: unknown; message?: unknown } } | null)?.error;
  return new ApiError(
    typeof error?.code === "string" ? error.code : `http_${response.status}`,
    typeof error?.message === "string" ? error.message : response.statusText,
    response.status,
  );
}

interface Asked extends RequestInit {
  wait_ms?: number;
  expects?: number; // a status that is an answer although it is none of success
}

async function answer_to(path: string, { wait_ms, ...init }: Asked): Promise<Response> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), wait_ms ?? patience_ms);
  try {
    return await fetch(root + path, { ...init, signal: stop.signal });
  } catch {
    throw new ApiError("unreachable", "no answer", 0);
  } finally {
    clearTimeout(timer);
  }
}

async function whole<T>(body: Promise<T>): Promise<T> {
  try {
    return await body;
  } catch {
    throw new ApiError("unreachable", "the answer broke off", 0);
  }
}

// While somebody is asked who is there nothing else is sent: another person may come in.
let asking: Promise<boolean> | null = null;

function ask_door(): Promise<boolean> {
  asking ??= door.unauthorized().finally(() => (asking = null));
  return asking;
}

async function answered(path: string, init: Asked): Promise<Response> {
  await asking;
  let response = await answer_to(path, init);
  if (response.status === 401 && (await ask_door())) response = await answer_to(path, init);
  if (!response.ok && response.status !== init.expects) throw await failure_of(response);
  return response;
}

async function request<T>(path: string, init: Asked): Promise<T> {
  return whole((await answered(path, init)).json() as Promise<T>);
}

export function get<T>(path: string): Promise<T> {
  return request<T>(path, { headers: { Accept: "application/json" } });
}

// What was looked at and its ETag: an edit that names it is refused when somebody else was faster.
export interface Seen<T> {
  value: T;
  etag: string;
}

async function seen_by<T>(path: string, init: Asked): Promise<Seen<T>> {
  const response = await answered(path, init);
  const value = await whole(response.json() as Promise<T>);
  return { value, etag: response.headers.get("ETag") ?? "*" };
}

export function look<T>(path: string): Promise<Seen<T>> {
  return seen_by<T>(path, { headers: { Accept: "application/json" } });
}

// Throws "precondition_failed" when it is not any more as it was seen.
export function send_seen<T>(
  method: Change,
  path: string,
  body: unknown,
  etag: string,
): Promise<Seen<T>> {
  const headers = { ...of_json, "If-Match": etag };
  return seen_by<T>(path, { method, headers, body: JSON.stringify(body) });
}

type Change = "POST" | "PUT" | "PATCH";
const of_json = {
  Accept: "application/json",
  "Content-Type": "application/json",
  ...own_header,
};

export function send<T>(method: Change, path: string, body: unknown): Promise<T> {
  return send_text<T>(method, path, JSON.stringify(body));
}

// `body` is JSON already.
export function send_text<T>(method: Change, path: string, body: string): Promise<T> {
  return request<T>(path, { method, headers: of_json, body });
}

// A page of CSV, and the cursor of the following one.
export async function get_csv(path: string): Promise<{ text: string; next: string | null }> {
  const asked = { headers: { Accept: "text/csv" }, wait_ms: long_patience_ms };
  const response = await answered(path, asked);
  return { text: await whole(response.text()), next: response.headers.get("Meterlens-Next") };
}

// 422 has the same body as 200: there is something wrong with some of the lines.
export function send_csv<T>(path: string, file: Blob): Promise<T> {
  const headers = { Accept: "application/json", "Content-Type": "text/csv", ...own_header };
  const wait_ms = long_patience_ms;
  return request<T>(path, { method: "POST", headers, body: file, wait_ms, expects: 422 });
}

// A POST without a body whose answer may take as long as somebody else's server does.
export function send_and_wait<T>(path: string): Promise<T> {
  const headers = { Accept: "application/json", ...own_header };
  return request<T>(path, { method: "POST", headers, wait_ms: long_patience_ms });
}

export function send_file<T>(path: string, file: Blob): Promise<T> {
  const headers = {
    Accept: "application/json",
    "Content-Type": "application/octet-stream",
    ...own_header,
  };
  return request<T>(path, { method: "POST", headers, body: file });
}

export function remove<T>(path: string): Promise<T> {
  const headers = { Accept: "application/json", ...own_header };
  return request<T>(path, { method: "DELETE", headers });
}
