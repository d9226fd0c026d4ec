// Who this page speaks for, as the server last said.
import { get_session } from "./api/api";
import type { Caller, Right } from "./api/openapi";
import { Value } from "./observe";

export const caller = new Value<Caller | null>(null); // null: not known yet

// Asks, and waits while somebody logs in.
export async function ask_who(): Promise<void> {
  caller.set(await get_session());
}

export function may(who: Caller | null, right: Right): boolean {
  return who !== null && who.rights.includes(right);
}
