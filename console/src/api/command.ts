import { get, post } from "./http";

export type CommandState =
  | "queued"
  | "sent"
  | "received"
  | "shooting"
  | "transferring"
  | "stored"
  | "read"
  | "failed"
  | "expired";

export interface Command {
  id: number;
  device: string;
  kind: "capture";
  state: CommandState;
  reason: string | null;
  packets_received: number;
  packets_total: number;
  photo: number | null;
  reading: number | null;
  created_ms: number;
  updated_ms: number;
}

export function is_over(command: Command): boolean {
  return command.state === "read" || command.state === "failed" || command.state === "expired";
}

export function take_photo(device: string): Promise<Command> {
  return post<Command>(`/devices/${encodeURIComponent(device)}/commands`, { capture: 1 });
}

export function get_command(id: number): Promise<Command> {
  return get<Command>(`/commands/${id}`);
}
