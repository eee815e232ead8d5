/**
 * `$name` and `${name}` in values, as Python's `string.Template` and oslo.config read them. It knows the syntax alone;
 * what a name is worth, the caller says.
 */

const reference = /\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi

/**
 * The text with each reference replaced by what `meaningOf` gives for its name (`option` or `section.option`). `$$` and
 * `\$` stand for a dollar sign; one that starts no reference stays as it is.
 */
export function interpolated(text: string, meaningOf: (name: string) => string): string {
  return text
    .replaceAll('\\$', '$$$$')
    .replace(reference, (_, dollar, plain, braced) => (dollar ? '$' : meaningOf(plain ?? braced)))
}
