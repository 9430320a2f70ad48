import type { Stamp } from './options.ts'

/** Writes places into texts. */
export interface Stamps {
  /** Returns the text with the place of its message. */
  stamp(text: string, stamp: Stamp): string
  /** Returns a stamped text, marked as a snapshot. */
  asSnapshot(message: { readonly text: string; readonly unstamped: string | undefined; readonly epoch: string; readonly seq: number }): string
  /** True if the texts have to be kept as they were, because only the host can mark one as a snapshot. */
  readonly keepsUnstamped: boolean
}

/** For the wire form: JSON objects, which end with a brace. The names of epochs need no escapes. */
export const wireStamps: Stamps = {
  stamp: (text, { epoch, seq, snapshot }) => `${text.slice(0, -1)},"epoch":"${epoch}","seq":${seq}${snapshot === true ? ',"snapshot":true' : ''}}`,
  asSnapshot: ({ text }) => `${text.slice(0, -1)},"snapshot":true}`,
  keepsUnstamped: false,
}

/** For texts of the host's own form. */
export function hostStamps(stamp: (text: string, stamp: Stamp) => string): Stamps {
  return {
    stamp,
    asSnapshot: ({ unstamped, text, epoch, seq }) => stamp(unstamped ?? text, { epoch, seq, snapshot: true }),
    keepsUnstamped: true,
  }
}
