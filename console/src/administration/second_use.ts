// What the second reader has cost, added up exactly.
import type { SecondUse } from "../api/openapi";

export interface Sum {
  name: string; // a day or a meter
  calls: number;
  billed: number;
  cost: string; // an exact decimal
}

const decimals = 6; // millionths of the currency, as the server counts

function micro_of(text: string): bigint {
  const [whole = "0", part = ""] = text.split(".");
  return BigInt(whole + part.slice(0, decimals).padEnd(decimals, "0"));
}

function text_of(micro: bigint): string {
  const digits = String(micro).padStart(decimals + 1, "0");
  const part = digits.slice(-decimals).replace(/0+$/, "");
  // Two decimals at least, as money is written.
  return `${digits.slice(0, -decimals)}.${part.padEnd(2, "0")}`;
}

// By day or by meter, in the order in which they come first; without a key all together.
export function sums_of(uses: SecondUse[], key: "day" | "meter" | null): Sum[] {
  const sums = new Map<string, { calls: number; billed: number; micro: bigint }>();
  for (const use of uses) {
    const name = key === null ? "" : use[key];
    const sum = sums.get(name) ?? { calls: 0, billed: 0, micro: 0n };
    sum.calls += use.calls;
    sum.billed += use.billed;
    sum.micro += micro_of(use.cost);
    sums.set(name, sum);
  }
  return [...sums].map(([name, { calls, billed, micro }]) => ({
    name,
    calls,
    billed,
    cost: text_of(micro),
  }));
}
