export interface Reading {
  id: number;
  meter: string;
  device: string;
  photo: number;
  at_ms: number;
  status: "read" | "doubtful" | "unreadable" | "none"; // none: a value by hand or estimated
  digits: string; // the best guess of every wheel
  certain: number; // leading wheels the reader stands behind
  value: string; // exact decimal
  red: number; // trailing wheels that are decimals
  confidence: number; // 0..1
  window: [number, number][]; // corners in photo pixels: top left, top right, bottom right, ...
  verdict: "accepted" | "doubtful" | "rejected" | "estimated" | "manual";
  reasons: string[];
  flags: string[]; // what the server noticed, for programs
  ms: number;
  version: number; // changes with every review
  review: Review | null; // the newest: verdict, digits, certain, red and value are then its
}

export interface Review {
  at_ms: number;
  by: "server" | "person";
  reviewer: string | null;
  reason: string | null;
  // What the reader saw and the server judged.
  seen: Pick<Reading, "verdict" | "digits" | "certain" | "red" | "value">;
}
