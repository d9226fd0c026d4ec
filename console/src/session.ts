// Who this page speaks for, as the server last said.
import { get_session } from "./api/api";
import type { Caller, Right } from "./api/openapi";
import { Value } from "./observe";

export const caller = new Value<Caller | null>(null); // null: not known yet

// Asks, and waits while somebody logs in.
export async function ask_who(): Promise<void> {
  caller.set(await get_session());
}

// After a 401. Resolves when the same person with the same rights has logged in; for anybody else
// the page begins anew, and what waits is never sent.
export async function come_in(
  log_in: () => Promise<Caller>,
  begin_anew: () => void,
): Promise<void> {
  const before = caller.get();
  const now = await log_in();
  if (before !== null && JSON.stringify(now) !== JSON.stringify(before)) {
    begin_anew();
    await new Promise(() => undefined);
  }
  caller.set(now);
}

export function may(who: Caller | null, right: Right): boolean {
  return who !== null && who.rights.includes(right);
}
