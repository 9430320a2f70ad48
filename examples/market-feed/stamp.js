/** A stamp is no longer than this. */
export const MOST_STAMP_UNITS = 64

/** What a recovery adds to a message's text, as the last of its keys. */
const STAMP = /,"epoch":"[\w-]{1,64}","seq":\d+(?:,"snapshot":true)?\}$/

/**
 * A message's text without the number that the server's recovery gave it.
 *
 * @param {string} text
 */
export function unstamped(text) {
  return text.replace(STAMP, '}')
}
