import { ClientError } from './client-error.ts'
import type { Signal } from './link.ts'

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
    if (signal?.aborted) throw signal.reason
    if (this.size >= MOST_OPEN) throw new ClientError('ERR_TOO_MANY_REQUESTS')
    const abort = (): void => void this.settle(id, 'reject', signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      return await new Promise((resolve, reject) => {
        this.#open.set(id, { resolve, reject })
        send()
      })
    } finally {
      this.#open.delete(id)
      signal?.removeEventListener('abort', abort)
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
