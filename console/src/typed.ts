// What people type of groups, labels, targets, steps and JSON, as the API takes it. Each function
// gives null for what the server would refuse. Pure, for they are also tested alone.
import type { Labels, Target } from "./api/openapi";

const group_bytes_max = 128;
const group_levels_max = 8;
const labels_max = 16;
const label_value_bytes_max = 64;
const json_bytes_max = 4_096;
const steps_max = 10;
export const names_max = 4_096; // devices of a target by name

const bytes_of = (text: string): number => new TextEncoder().encode(text).length;
const has_control = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text);
const label_name = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,31}$/;
const device_name = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

// Of a device or a meter.
export const is_name = (text: string): boolean => device_name.test(text);

// "berlin/north"; empty is none.
export function group_of(text: string): string | null {
  const group = text.trim();
  if (group === "") return "";
  const levels = group.split("/");
  const good =
    levels.length <= group_levels_max &&
    levels.every((level) => level !== "") &&
    bytes_of(group) <= group_bytes_max &&
    !has_control(group);
  return good ? group : null;
}

// In this very group, or below it.
export function is_in_group(group: string, wanted: string): boolean {
  return group === wanted || group.startsWith(`${wanted}/`);
}

// A label a line, or separated by commas: "floor=3, key=at the neighbour's".
export function labels_of(text: string): Labels | null {
  const parts = text.split(/[,\n，]/).map((part) => part.trim()).filter((part) => part !== "");
  const labels: Labels = {};
  for (const part of parts) {
    const at = part.indexOf("=");
    const name = (at < 0 ? part : part.slice(0, at)).trim();
    const value = at < 0 ? "" : part.slice(at + 1).trim();
    if (!label_name.test(name) || name in labels) return null;
    if (bytes_of(value) > label_value_bytes_max || has_control(value)) return null;
    labels[name] = value;
  }
  return Object.keys(labels).length <= labels_max ? labels : null;
}

export function labels_text(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => (value === "" ? name : `${name}=${value}`))
    .join(", ");
}

// Names separated by whatever people put between them.
export function names_of(text: string, most = names_max): string[] | null {
  const names = [...new Set(text.split(/[\s,;，；]+/).filter((name) => name !== ""))];
  return names.length <= most && names.every(is_name) ? names : null;
}

export interface TypedTarget {
  group: string;
  label: string; // name or name=value
  devices: string;
}

export const no_target: TypedTarget = { group: "", label: "", devices: "" };

export function typed_target(target: Target): TypedTarget {
  return {
    group: target.group ?? "",
    label: target.label ?? "",
    devices: (target.devices ?? []).join(" "),
  };
}

export function target_of(typed: TypedTarget): Target | null {
  const group = group_of(typed.group);
  const label = labels_of(typed.label);
  const devices = names_of(typed.devices);
  if (group === null || label === null || devices === null) return null;
  if (Object.keys(label).length > 1) return null;
  return {
    ...(devices.length > 0 ? { devices } : {}),
    ...(group !== "" ? { group } : {}),
    ...(typed.label.trim() !== "" ? { label: typed.label.trim() } : {}),
  };
}

export function is_nobody(target: Target): boolean {
  return !target.group && !target.label && (target.devices ?? []).length === 0;
}

// Percentages that rise and end with 100.
export function steps_of(text: string): number[] | null {
  const parts = text.split(/[\s,;，；%]+/).filter((part) => part !== "");
  const steps = parts.map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 0));
  const rise = steps.every((step, index) => step > (steps[index - 1] ?? 0));
  return rise && steps.length <= steps_max && steps.at(-1) === 100 ? steps : null;
}

export type WrongJson = "empty" | "no_json" | "nothing" | "too_long";

// Whether a device can be sent this text, and if not, why.
export function json_fault(text: string): WrongJson | null {
  if (text.trim() === "") return "empty";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "no_json";
  }
  const is_empty_box =
    typeof value === "object" && value !== null && Object.keys(value).length === 0;
  // The deployed program takes each of these for "nothing was sent".
  if (value === null || value === false || value === 0 || value === "" || is_empty_box)
    return "nothing";
  return bytes_of(JSON.stringify(value)) > json_bytes_max ? "too_long" : null;
}
