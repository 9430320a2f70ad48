import { WebSocket } from 'ws'
import type { ClientSocket } from '../../../../src/client/index.ts'

/** A socket of ws for `createClient`. Somebody else hears each text first, exactly as it came. */
export class TappedSocket implements ClientSocket {
  onmessage?: unknown
  onclose?: unknown
  onerror?: unknown
  /** The last text that the client sent. */
  lastSent = ''
  readonly #socket: WebSocket

  constructor(url: string, tap: (text: string) => void) {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    this.#socket = socket
    socket.on('message', (data) => {
      // The client hears nothing more of a connection that it has given up.
      if (!this.onmessage) return
      const text = String(data)
      tap(text)
      call(this.onmessage, { data: text })
    })
    socket.on('close', (code, reason) => call(this.onclose, { code, reason: String(reason) }))
    socket.on('error', (error) => call(this.onerror, error))
  }

  send(text: string): void {
    this.lastSent = text
    this.#socket.send(text)
  }

  close(): void {
    this.#socket.close()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }
}

function call(listener: unknown, event: unknown): void {
  if (typeof listener === 'function') listener(event)
}
