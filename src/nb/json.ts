/**
 * JSON text as Dragonflow writes it: Python's `json.dumps` with its defaults, keys in alphabetical order,
 * values that are None left out (dragonflow.md 5.1). It knows nothing of tables; reading is `JSON.parse`.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json | undefined }

/** Whether `value` is a JSON object: neither a list nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The text that Dragonflow would store for `value`: `", "` and `": "`, ASCII only, sorted keys, no nulls in
 * objects.
 */
export function pythonJson(value: Json): string {
  if (typeof value === 'string') return asciiText(value)
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item)).join(', ')}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .filter((key) => value[key] !== undefined && value[key] !== null)
    .map((key) => `${asciiText(key)}: ${pythonJson(value[key] as Json)}`)
  return `{${members.join(', ')}}`
}

/**
 * JSON.stringify escapes quotes, backslashes and C0 controls as Python does; Python also escapes all beyond
 * `~`.
 */
function asciiText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
