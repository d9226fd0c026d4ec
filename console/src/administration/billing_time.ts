// Days as people type them, at the browser's own place.

export function days_text(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

// The beginning of a day like 2026-01-31, so many days later; null: there is no such day.
export function midnight_ms(day: string, days_later: number): number | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (parts === null) return null;
  const [, year, month, number] = parts.map(Number);
  const date = new Date(year!, month! - 1, number!);
  if (days_text(date) !== day) return null;
  return new Date(year!, month! - 1, number! + days_later).getTime();
}
