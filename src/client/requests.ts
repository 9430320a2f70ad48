import { ClientError } from './client-error.ts'
import { whenAborted, type Signal } from './signal.ts'

/** More than so many requests are not open at once. */
const MOST_OPEN = 256

interface Request {
  resolve(data: unknown): void
  reject(error: unknown): void
}

/** Requests that wait for their answers. */
export class Requests {
  readonly #open = new Map<unknown, Request>()

  get size(): number {
    return this.#open.size
  }

  /** Sends a request, and returns its answer. It is never kept, and never sent again. */
  async make(id: number, signal: Signal | undefined, send: () => void): Promise<unknown> {
    if (this.size >= MOST_OPEN) throw new ClientError('ERR_TOO_MANY_REQUESTS')
    let forget = (): void => {}
    try {
      return await new Promise((resolve, reject) => {
        forget = whenAborted(signal, () => reject(signal?.reason))
        this.#open.set(id, { resolve, reject })
        if (!signal?.aborted) send()
      })
    } finally {
      this.#open.delete(id)
      forget()
    }
  }

  /** False if there is no such request. */
  settle(id: unknown, how: keyof Request, value: unknown): boolean {
    const request = this.#open.get(id)
    request?.[how](value)
    return request !== undefined
  }

  /** The connection ended: nobody answers them. */
  rejectAll(): void {
    for (const id of this.#open.keys()) this.settle(id, 'reject', new ClientError('ERR_DISCONNECTED'))
  }
}
