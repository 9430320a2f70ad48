/** Reads what was sent as a person would: the ids of the commands that must have an answer, in order. */
export function idsIn(text: string, limits: { readonly textUnits: number; readonly commandsPerText: number }): number[] {
  if (text.length > limits.textUnits) return []
  try {
    const body = JSON.parse(text) as unknown
    const commands = Array.isArray(body) ? body : [body]
    if (commands.length > limits.commandsPerText) return []
    return commands.flatMap(idOf)
  } catch {
    return []
  }
}

function idOf(command: unknown): number | [] {
  if (typeof command !== 'object' || command === null || Array.isArray(command)) return []
  const { id, command: name } = command as { readonly id?: unknown; readonly command?: unknown }
  if (name === undefined && id === undefined) return []
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : []
}

/** What a client believes, by what it was told. */
export class ClientView {
  /** The ids of commands without an answer, in the order in which they were sent. */
  readonly #open: number[] = []
  readonly held = new Set<string>()
  answers = 0

  get openIds(): readonly number[] {
    return this.#open
  }

  sent(ids: readonly number[]): void {
    this.#open.push(...ids)
  }

  /** Takes a frame. Returns what is wrong with it. */
  see({ type, id, code, reason, stream_type: streamType, symbol }: Record<string, unknown>): string | undefined {
    const key = JSON.stringify([streamType, symbol])
    if (type === 'unsubscribed' && reason !== undefined && !this.held.has(key)) return `an end of ${key}, which is not held`
    if (type === 'subscribed') this.held.add(key)
    if (type === 'unsubscribed') this.held.delete(key)
    return id === undefined ? undefined : this.#answered(id as number, type === 'pong' || code === 'ERR_RATE_LIMITED' || code === 'ERR_BUSY')
  }

  #answered(id: number, isAtOnce: boolean): string | undefined {
    const place = this.#open.indexOf(id)
    this.answers++
    if (place === -1) return `an answer to ${id}, which waits for none`
    this.#open.splice(place, 1)
    if (isAtOnce || place === 0) return undefined
    this.#late.push({ id, before: this.#open.slice(0, place) })
    return undefined
  }

  readonly #late: { readonly id: number; readonly before: readonly number[] }[] = []

  /** Call at the end, with the ids that were answered at once. Returns what is out of order. */
  disorder(atOnce: ReadonlySet<number>): string | undefined {
    for (const { id, before } of this.#late) {
      const overtaken = before.find((each) => !atOnce.has(each))
      if (overtaken !== undefined) return `the answer to ${id} came before that to ${overtaken}`
    }
    return undefined
  }
}
