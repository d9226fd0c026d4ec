// What an edit of a user changes.
import type { User, UserEdit } from "../api/openapi";

export interface TypedUser {
  role: User["role"];
  groups: string;
  password: string;
}

// Names of groups may have spaces; commas, semicolons and line ends part them.
export function groups_of(text: string): string[] {
  const names = text.split(/[,;，；、\n]+/).map((one) => one.trim());
  return [...new Set(names.filter((one) => one !== ""))];
}

// What is to be sent; null: nothing has changed.
export function user_changes(
  user: Pick<User, "role"> & { readonly groups: readonly string[] },
  typed: TypedUser,
): UserEdit | null {
  const edit: UserEdit = {};
  const groups = groups_of(typed.groups);
  if (typed.role !== user.role) edit.role = typed.role;
  if (JSON.stringify(groups) !== JSON.stringify(user.groups)) edit.groups = groups;
  if (typed.password !== "") edit.password = typed.password;
  return Object.keys(edit).length === 0 ? null : edit;
}
