// A reading's digits as the wheels of its meter.

export interface Wheel {
  digit: string;
  red: boolean; // a decimal
  certain: boolean; // the reader stands behind it
}

export function wheels_of(reading: { digits: string; red: number; certain: number }): Wheel[] {
  const digits = [...reading.digits];
  return digits.map((digit, index) => ({
    digit,
    red: index >= digits.length - reading.red,
    certain: index < reading.certain,
  }));
}

// For a screen reader: the value without its leading zeros, "4 7 1 . 9".
export function spoken(value: string): string {
  return [...value].join(" ");
}
