import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands between clients and a server, and can let either believe that the other is still there. */
export class Proxy {
  readonly #server = createServer((inbound) => this.#join(inbound))
  readonly #sockets = new Set<Socket>()
  readonly #port: number
  #isOpaque = false

  constructor(port: number) {
    this.#port = port
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Takes everything from now on, and passes nothing on: not even an end. */
  swallow(): void {
    this.#isOpaque = true
  }

  /** Takes nothing any more, as a cable that was cut. */
  freeze(): void {
    this.#isOpaque = true
    for (const socket of this.#sockets) socket.pause()
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #join(inbound: Socket): void {
    const outbound = connect(this.#port, '127.0.0.1')
    this.#pass(inbound, outbound)
    this.#pass(outbound, inbound)
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('data', (bytes) => void (this.#isOpaque || to.write(bytes)))
    from.on('error', () => {})
    from.on('close', () => {
      this.#sockets.delete(from)
      if (!this.#isOpaque) to.destroy()
    })
  }
}
