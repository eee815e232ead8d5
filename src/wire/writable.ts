/** A value that its maker writes to again, so that the next one is no garbage; to everybody else it is read-only. */
export type Writable<T> = { -readonly [Key in keyof T]: T[Key] }
