export interface Photo {
  id: number;
  device: string;
  bytes: number;
  sha256: string;
  state: "stored" | "quarantined";
  reason: string | null;
  captured_at_ms: number | null;
  received_at_ms: number;
  path: string;
  command: number | null;
}

export function photo_url(id: number): string {
  return `/api/v1/photos/${id}.jpg`;
}
