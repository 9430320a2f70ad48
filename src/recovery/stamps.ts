import type { Stamp } from './options.ts'

/** Writes the epoch and number of a message into its text. */
export interface Stamps {
  /** Returns the text with the epoch and number of its message. */
  stamp(text: string, stamp: Stamp): string
  /** Returns the stamped text of a message, marked as a snapshot. */
  asSnapshot(message: { readonly text: string; readonly unstamped: string | undefined; readonly epoch: string; readonly seq: number }): string
  /**
   * True if the histories of `latest` types must also keep the unstamped texts. The host's `stamp` needs the unstamped text to mark a message as a
   * snapshot.
   */
  readonly keepsUnstamped: boolean
}

/**
 * Stamps texts in the library's wire form. A text in the wire form is a JSON object, so it ends with a brace. The name of an epoch needs no JSON
 * escapes.
 */
export const wireStamps: Stamps = {
  stamp: (text, { epoch, seq, snapshot }) => `${text.slice(0, -1)},"epoch":"${epoch}","seq":${seq}${snapshot === true ? ',"snapshot":true' : ''}}`,
  asSnapshot: ({ text }) => `${text.slice(0, -1)},"snapshot":true}`,
  keepsUnstamped: false,
}

/** Returns `Stamps` that call the host's function `stamp`. Needed for the texts of the host's `serialize`. */
export function hostStamps(stamp: (text: string, stamp: Stamp) => string): Stamps {
  return {
    stamp,
    asSnapshot: ({ unstamped, text, epoch, seq }) => stamp(unstamped ?? text, { epoch, seq, snapshot: true }),
    keepsUnstamped: true,
  }
}

const PLACE = /,"epoch":"([\w-]{1,64})","seq":(\d{1,16})(,"snapshot":true)?\}$/

/** The maximum length of a place, in UTF-16 units. A place is the epoch and the number at the end of a text. */
const LONGEST_PLACE = 128

/** Returns the place that `wireStamps` wrote into a text, or `undefined` if the text has none. */
export function placeIn(text: string): Stamp | undefined {
  const found = PLACE.exec(text.slice(-LONGEST_PLACE))
  if (found === null) return undefined
  const [, epoch, seq, snapshot] = found
  const place = { epoch: epoch as string, seq: Number(seq) }
  return snapshot === undefined ? place : { ...place, snapshot: true }
}
