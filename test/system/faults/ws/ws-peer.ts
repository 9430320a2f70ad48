import { once } from 'node:events'
import type { Socket as TcpSocket } from 'node:net'
import { WebSocket } from 'ws'
import { Client } from '../client.ts'
import type { Peer, ServerEnd } from './peer.ts'

/** A client of ws. */
export class WsPeer implements Peer {
  readonly client: Client
  declare serverEnd: ServerEnd
  readonly closed: Promise<number>
  readonly #socket: WebSocket

  constructor(client: Client, url: string, noticed: () => void = () => {}) {
    this.client = client
    this.#socket = new WebSocket(url)
    this.#socket.on('message', (data) => {
      client.see(String(data))
      noticed()
    })
    // It is followed by a close, which tells the same.
    this.#socket.on('error', noticed)
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', (code) => {
        resolve(code)
        noticed()
      })
    })
  }

  async open(): Promise<void> {
    await once(this.#socket, 'open')
  }

  send(text: string): void {
    this.#socket.send(text)
  }

  close(): void {
    this.#socket.close(1000)
  }

  pause(): void {
    this.#tcp.pause()
  }

  resume(): void {
    this.#tcp.resume()
  }

  reset(): void {
    this.#tcp.resetAndDestroy()
  }

  get #tcp(): TcpSocket {
    return (this.#socket as unknown as { _socket: TcpSocket })._socket
  }
}
