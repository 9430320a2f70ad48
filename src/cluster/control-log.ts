import type { ChannelName } from '../model/channel.ts'
import type { Clock } from '../time/clock.ts'
import type { LoggedMessage, OwnEpoch, RecordedPublish } from '../ports/channel-log.ts'

/**
 * The channel of commands to all nodes. The stream type of this channel is the empty text. No stream of a catalogue has an empty type, so no stream
 * uses this channel.
 */
export const CONTROL: ChannelName = Object.freeze({ streamType: '', symbol: undefined, userId: undefined })

/** True for the channel of a stream. False for the channel of commands. */
export function isStream({ streamType }: ChannelName): boolean {
  return streamType !== CONTROL.streamType
}

/** The maximum number of commands that this node keeps, so that it can send lost commands again. */
const MOST_COMMANDS = 1_000

interface Command {
  readonly message: LoggedMessage
  readonly atMs: number
}

/** The commands that this node gave to all nodes. They are numbered like messages, so that a node that was cut off can get them later. */
export class ControlLog {
  readonly epoch: string
  readonly #clock: Clock
  readonly #ageMs: number
  readonly #commands: Command[] = []
  #seq = 0
  #firstAtMs = 0
  #lastAtMs = 0

  constructor(epoch: string, clock: Clock, ageMs: number) {
    this.epoch = epoch
    this.#clock = clock
    this.#ageMs = ageMs
  }

  add(text: string): RecordedPublish {
    const nowMs = this.#clock.monotonic()
    if (this.#seq === 0) this.#firstAtMs = nowMs
    this.#lastAtMs = nowMs
    const message = { seq: ++this.#seq, symbol: undefined, text }
    this.#commands.push({ message, atMs: nowMs })
    while (this.#commands.length > MOST_COMMANDS || nowMs - this.#oldest.atMs > this.#ageMs) this.#commands.shift()
    return { channel: CONTROL, epoch: this.epoch, ageMs: nowMs - this.#firstAtMs, message }
  }

  /** The oldest command. Directly after a command is added there is always an oldest one, because the new command is not too old. */
  get #oldest(): Command {
    return this.#commands[0] as Command
  }

  own(): OwnEpoch | undefined {
    if (this.#seq === 0) return undefined
    const nowMs = this.#clock.monotonic()
    return { epoch: this.epoch, seq: this.#seq, ageMs: nowMs - this.#firstAtMs, lastAgeMs: nowMs - this.#lastAtMs }
  }

  range(first: number, last: number): LoggedMessage[] {
    return this.#commands.map(({ message }) => message).filter(({ seq }) => seq >= first && seq <= last)
  }
}
