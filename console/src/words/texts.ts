// A text in English and in Chinese; {0} is filled in.
export type Texts = Record<string, [en: string, zh: string]>;
