import type { WireObject } from '../model/wire-reading.ts'

/** Called with the answer to a command. If the connection ends first, the answer is a refusal with `ERR_DISCONNECTED`. */
export type Answered = (answer: WireObject) => void

/** The commands that the server has not answered yet. */
export class OpenCommands {
  readonly #open = new Map<unknown, Answered>()
  #lastId = 0

  /** Adds a command, and returns its JSON text. */
  issue(command: string, facts: object, answered: Answered): string {
    const id = ++this.#lastId
    this.#open.set(id, answered)
    return JSON.stringify({ command, id, ...facts })
  }

  /** Passes an answer to its command. Returns false if no open command has the frame's id. */
  answer(frame: WireObject): boolean {
    const { id } = frame
    const answered = this.#open.get(id)
    this.#open.delete(id)
    answered?.(frame)
    return answered !== undefined
  }

  disconnected(): void {
    for (const id of [...this.#open.keys()]) this.answer({ id, type: 'refused', code: 'ERR_DISCONNECTED' })
  }
}
