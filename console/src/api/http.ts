// One door to the server's JSON API.
import { log_in, own_header } from "../login";

const root = "/api/v1";
const patience_ms = 15_000;

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

async function failure_of(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const error = (body as { error?: { code?: unknown; message?: unknown } } | null)?.error;
  return new ApiError(
    typeof error?.code === "string" ? error.code : `http_${response.status}`,
    typeof error?.message === "string" ? error.message : response.statusText,
    response.status,
  );
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), patience_ms);
  let response: Response;
  try {
    response = await fetch(root + path, { ...init, signal: stop.signal });
  } catch {
    throw new ApiError("unreachable", "no answer", 0);
  } finally {
    clearTimeout(timer);
  }
  if (response.status === 401) {
    await log_in();
    return request<T>(path, init);
  }
  if (!response.ok) throw await failure_of(response);
  return (await response.json()) as T;
}

export function get<T>(path: string): Promise<T> {
  return request<T>(path, { headers: { Accept: "application/json" } });
}

export function post<T>(path: string, body: unknown): Promise<T> {
  return request<T>(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", ...own_header },
    body: JSON.stringify(body),
  });
}
