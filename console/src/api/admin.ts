// The server's API for those who administer it, call by call.
import { get, get_csv, look, remove, send, send_and_wait, send_csv, send_seen, type Seen }
  from "./http";
import { query, type Page } from "./api";
import type {
  AuditEntry,
  Caller,
  Import,
  Product,
  SecondPolicy,
  SecondState,
  SecondUse,
  Session,
  Sink,
  Token,
  TokenEdit,
  Upkeep,
  User,
  UserEdit,
} from "./openapi";

const name = encodeURIComponent;

// ---- people and programs ----

export function change_own_password(old: string, fresh: string): Promise<Caller> {
  return send("PUT", "/session/password", { old, new: fresh });
}

export async function list_users(): Promise<User[]> {
  return (await get<{ users: User[] }>("/users")).users;
}

export function look_at_user(user: string): Promise<Seen<User>> {
  return look(`/users/${name(user)}`);
}

export function edit_user(user: string, edit: UserEdit, etag: string): Promise<Seen<User>> {
  return send_seen("PATCH", `/users/${name(user)}`, edit, etag);
}

// The answer has the password, this once, when none was given.
export function add_user(edit: UserEdit): Promise<User> {
  return send("POST", "/users", edit);
}

export function change_user(user: string, edit: UserEdit): Promise<User> {
  return send("PATCH", `/users/${name(user)}`, edit);
}

export function remove_user(user: string): Promise<unknown> {
  return remove(`/users/${name(user)}`);
}

export async function list_sessions(): Promise<Session[]> {
  return (await get<{ sessions: Session[] }>("/sessions")).sessions;
}

export function end_session(id: string): Promise<unknown> {
  return remove(`/sessions/${name(id)}`);
}

export async function list_tokens(): Promise<Token[]> {
  return (await get<{ tokens: Token[] }>("/tokens")).tokens;
}

// The answer has the token, this once.
export function add_token(edit: TokenEdit): Promise<Token> {
  return send("POST", "/tokens", edit);
}

export function remove_token(id: number): Promise<unknown> {
  return remove(`/tokens/${id}`);
}

export interface AuditFilter {
  who?: string;
  path?: string; // its beginning
  cursor?: string;
}

export async function list_audit(filter: AuditFilter): Promise<Page<AuditEntry>> {
  const page = await get<{ entries: AuditEntry[]; next?: string | null }>(
    `/audit${query({ ...filter })}`,
  );
  return { items: page.entries, next: page.next ?? null };
}

// ---- devices ----

export async function list_products(): Promise<Product[]> {
  return (await get<{ products: Product[] }>("/products")).products;
}

// The answer has the secret, this once.
export function add_product(product: string): Promise<Product> {
  return send("POST", "/products", { name: product });
}

export function remove_product(product: string): Promise<unknown> {
  return remove(`/products/${name(product)}`);
}

// ---- the second reader ----

export interface Tried {
  ok: boolean;
  error: string;
}

export function get_second(): Promise<SecondState> {
  return get("/second");
}

export function resume_second(): Promise<SecondState> {
  return remove("/second/stop");
}

export function try_second(): Promise<Tried> {
  return send_and_wait("/second/test");
}

// Days like 2026-01-31; at most 1000 rows, the newest day first.
export function list_second_use(filter: {
  meter?: string;
  from?: string;
  to?: string;
}): Promise<{ currency: string; days: SecondUse[] }> {
  return get(`/second/use${query(filter)}`);
}

export function get_second_policy(meter: string): Promise<Seen<SecondPolicy>> {
  return look(`/meters/${name(meter)}/second`);
}

export type PolicyEdit = { policy: SecondState["policy"] | null; reason?: string };

export function change_second_policy(
  meter: string,
  edit: PolicyEdit,
  etag: string,
): Promise<Seen<SecondPolicy>> {
  return send_seen("PUT", `/meters/${name(meter)}/second`, edit, etag);
}

// ---- integrations, billing, upkeep ----

export async function list_sinks(): Promise<Sink[]> {
  return (await get<{ sinks: Sink[] }>("/notify")).sinks;
}

export function try_sink(sink: string): Promise<Tried & { code: string }> {
  return send_and_wait(`/notify/${name(sink)}/test`);
}

export interface ExportFilter {
  from?: number; // Unix ms
  to?: number; // the first moment that does not count
  meter?: string;
  all?: string; // "true": also what is doubtful or rejected
}

const export_rows = 10_000; // what the server gives at once at most

// One page of CSV; the first has the head line.
export function export_readings(
  filter: ExportFilter,
  cursor: string,
): Promise<{ text: string; next: string | null }> {
  return get_csv(`/export/readings.csv${query({ ...filter, count: export_rows, cursor })}`);
}

export type ImportKind = "meters" | "readings";

export function import_csv(
  kind: ImportKind,
  file: Blob,
  options: { accept_good: boolean; reason: string },
): Promise<Import> {
  const { accept_good, reason } = options;
  const asked = query({ accept_good: accept_good ? "true" : undefined, reason });
  return send_csv(`/import/${kind}${asked}`, file);
}

export function get_upkeep(): Promise<Upkeep> {
  return get("/upkeep");
}
