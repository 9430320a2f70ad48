import type { EpochKnowledge, LoggedMessage } from '../ports/channel-log.ts'
import type { Destination } from './destination.ts'

/**
 * For how many nodes this node keeps the number of their last command. If there are more, the number of the node that has been known longest is
 * dropped.
 */
const MOST_EPOCHS = 10_000

/** Carries out the commands of other nodes. */
export class ControlDestination implements Destination {
  readonly isLatest = false
  readonly isReplacing = false
  /** This number is high, because no command may be lost while its origin runs. */
  readonly mostQuestions = 100
  readonly #seqs = new Map<string, number>()
  readonly #obey: (text: string) => void
  readonly #missed: (missing: number | undefined) => void

  /** `missed` is called if commands are missing. Its argument is the number of commands, or `undefined` if nobody knows the number. */
  constructor(obey: (text: string) => void, missed: (missing: number | undefined) => void) {
    this.#obey = obey
    this.#missed = missed
  }

  knownOf(epoch: string): EpochKnowledge | undefined {
    const seq = this.#seqs.get(epoch)
    return seq === undefined ? undefined : { seq, forgotten: 0 }
  }

  isOwn(): boolean {
    return false
  }

  epochs(): readonly string[] {
    return []
  }

  accept(epoch: string, { seq, text }: LoggedMessage): void {
    this.#know(epoch, seq)
    this.#obey(text)
  }

  complete(): void {}

  skipTo(epoch: string, seq: number, isMissing: boolean): void {
    const missing = seq - (this.#seqs.get(epoch) ?? 0)
    this.#know(epoch, seq)
    if (isMissing && missing > 0) this.#missed(missing)
  }

  giveUp(epoch: string): void {
    // The number of the epoch stays. If a frame of the origin arrives later, the origin is asked for the commands that followed.
    if (this.#seqs.has(epoch)) this.#missed(undefined)
  }

  #know(epoch: string, seq: number): void {
    this.#seqs.set(epoch, seq)
    const [first] = this.#seqs.keys()
    if (this.#seqs.size > MOST_EPOCHS) this.#seqs.delete(first as string)
  }
}
