import type { WireObject } from '../model/wire-reading.ts'

/** Called with the answer to a command. If the connection ends first, the answer is a refusal with `ERR_DISCONNECTED`. */
export type Answered = (answer: WireObject) => void

/** The fields of a command, apart from its name and id. */
export interface CommandFacts {
  readonly streamType?: string
  readonly symbol?: string | undefined
  readonly position?: string | undefined
  readonly data?: unknown
}

/** The commands that the server has not answered yet. */
export class OpenCommands {
  readonly #open = new Map<unknown, Answered | undefined>()
  #lastId = 0

  /** Adds a command, and returns its JSON text. */
  issue(command: string, { streamType, ...others }: CommandFacts, answered?: Answered): string {
    this.#open.set(++this.#lastId, answered)
    return JSON.stringify({ command, id: this.#lastId, stream_type: streamType, ...others })
  }

  /** Passes an answer to its command. Returns false if no open command has the frame's id. */
  answer(frame: WireObject): boolean {
    const { id } = frame
    const answered = this.#open.get(id)
    const isOpen = this.#open.delete(id)
    answered?.(frame)
    return isOpen
  }

  disconnected(): void {
    for (const id of this.#open.keys()) this.answer({ id, type: 'refused', code: 'ERR_DISCONNECTED' })
  }
}
