import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client, keyOf } from '../client.ts'
import type { Arena } from '../market.ts'
import { Pulse } from './pulse.ts'
import { RawPeer } from './raw-peer.ts'
import type { Notice, ServerSettings } from './server-process.ts'

/** A server in a process of its own, and its clients here. */
export class RemoteHost implements Arena {
  readonly peers: RawPeer[] = []
  readonly #process: ChildProcess
  readonly #exit: Promise<unknown[]>
  readonly #settings: ServerSettings
  readonly #pulse = new Pulse()
  #port = 0
  #signal: unknown

  constructor(settings: ServerSettings) {
    this.#settings = settings
    const program = fileURLToPath(new URL('server-process.ts', import.meta.url))
    this.#process = fork(program, [JSON.stringify(settings)], { execArgv: ['--import', 'tsx'] })
    this.#exit = once(this.#process, 'exit')
  }

  get report(): string {
    const received = this.peers.map(({ client, incompleteBytes }) => {
      return `${client.name} ${client.received.length}${incompleteBytes > 0 ? ` and ${incompleteBytes} bytes of a next one` : ''}`
    })
    return `ws, in a process of its own: it ended by ${String(this.#signal)}; whole messages: ${received.join(', ')}`
  }

  async listening(): Promise<void> {
    this.#port = (await this.#notice<{ port: number }>('port')).port
  }

  /** Connects clients one after the other, which is the order in which each message goes to them. */
  async join(...names: readonly string[]): Promise<RawPeer[]> {
    const joined: RawPeer[] = []
    for (const name of names) {
      joined.push(this.approach(name))
      await this.#notice('joined')
    }
    return joined
  }

  /** Connects a client and does not wait for the server's answer. */
  approach(name: string): RawPeer {
    const peer = new RawPeer(new Client(name, name), `ws://127.0.0.1:${this.#port}/?name=${name}`, () => this.#pulse.beat())
    peer.shakeHands()
    this.peers.push(peer)
    return peer
  }

  /** Resolves once each of these has so many messages. */
  received(peers: readonly RawPeer[], count: number): Promise<void> {
    return this.#pulse.until(() => peers.every(({ client }) => client.received.length >= count))
  }

  /** Lets the server publish until it dies. */
  go(): void {
    this.#process.send({ go: true })
  }

  /** Waits until the server is dead, and each client has read what there was to read. */
  async died(): Promise<void> {
    const [, signal] = await this.#exit
    this.#signal = signal
    for (const peer of this.peers) peer.resume()
    await Promise.all(this.peers.map(({ closed }) => closed))
  }

  async finish(): Promise<void> {
    await this.died()
    assert.equal(this.#signal, 'SIGKILL')
    const most = this.#settings.ticks * this.#settings.perTick
    for (const { client } of this.peers) {
      assert.deepEqual(client.numbers, client.numbers.map((_, i) => i + 1), `${client.name} has all messages from the first on, in order`)
      assert.ok(client.received.length <= most && client.received.every(({ key }) => key === keyOf('BOOK', 'A')))
    }
  }

  async abandon(): Promise<void> {
    this.#process.kill('SIGKILL')
    for (const peer of this.peers) peer.reset()
  }

  async #notice<TNotice = Notice>(field: string): Promise<TNotice> {
    const died = this.#exit.then(([code, signal]) => {
      throw new Error(`The server's process ended with ${String(code ?? signal)} before it reported ${field}`)
    })
    const [notice] = (await Promise.race([once(this.#process, 'message'), died])) as [TNotice & object]
    assert.ok(field in notice)
    return notice
  }
}
