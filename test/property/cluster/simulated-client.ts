import { trackPositions } from '../../../src/client/index.ts'
import type { Socket } from '../../../src/index.ts'
import type { Audit } from '../../../src/testing/index.ts'
import type { Stream, Streams } from '../../support/cluster/catalogue.ts'
import { streams } from '../../support/cluster/catalogue.ts'
import type { SimulatedNode } from '../../support/cluster/simulated-node.ts'

/** More than the limit up to which a socket has room. Bytes. */
const FULL = 100_000

/** A client that roams: it keeps its positions, and resumes on whichever node it comes to. */
export class SimulatedClient {
  readonly name: string
  readonly userId: string
  node: SimulatedNode | undefined
  readonly wanted = new Set<Stream>()
  readonly #tracker = trackPositions({ streams })
  readonly #audit: Audit<Streams>
  #connections = 0
  /** The ids of the subscribes that the client has not taken back. Each answer has the id of its subscribe. */
  readonly #asked = new Map<Stream, number>()
  #subscribes = 0
  #isSlow = false
  /** True if messages may wait on the connection. A gap notice overtakes them, as each text of `connection.send` does. */
  #mayLag = false

  constructor(name: string, userId: string, audit: Audit<Streams>) {
    this.name = name
    this.userId = userId
    this.#audit = audit
  }

  connect(node: SimulatedNode): void {
    this.leave()
    this.node = node
    this.#mayLag = this.#isSlow
    const id = `${this.name}.${++this.#connections}`
    this.#audit.connected(this.name, this.userId)
    node.manager.addConnection(id, this.#socket(id), this.userId)
    for (const stream of this.wanted) void this.#subscribe(stream)
  }

  /** While a client is slow, nothing leaves the buffer of its socket. */
  setSlow(isSlow: boolean): void {
    this.#isSlow = isSlow
    this.#mayLag ||= isSlow
  }

  leave(): void {
    const { node } = this
    if (node === undefined) return
    this.#closed(this.connectionId)
    void node.manager.removeConnection(this.connectionId)
  }

  get connectionId(): string {
    return `${this.name}.${this.#connections}`
  }

  want(stream: Stream): void {
    if (this.wanted.has(stream)) return
    this.wanted.add(stream)
    if (this.node !== undefined) void this.#subscribe(stream)
  }

  /** Access to a stream was revoked: the client does not ask for it any more. Its node may not know yet. */
  lose(stream: Stream): void {
    this.#asked.delete(stream)
    if (this.wanted.delete(stream) && this.node !== undefined) this.#audit.unsubscribing(this.name, stream)
  }

  unwant(stream: Stream): void {
    this.#asked.delete(stream)
    if (!this.wanted.delete(stream) || this.node === undefined) return
    const connection = this.node.manager.getConnection(this.connectionId)
    if (connection?.unsubscribe(stream as never) === true) this.#audit.unsubscribed(this.name, stream)
  }

  #socket(id: string): Socket & { readonly bufferedAmount: number } {
    const isSlow = (): boolean => this.#isSlow
    return {
      get bufferedAmount() {
        return isSlow() ? FULL : 0
      },
      send: (text) => this.#receive(id, text),
      close: () => this.#closed(id),
    }
  }

  async #subscribe(stream: Stream): Promise<void> {
    const { node, connectionId } = this
    const position = this.#tracker.position(stream)
    if (node === undefined) return
    await node.cluster?.ready({ ...stream, userId: stream.streamType === 'ORDERS' ? this.userId : undefined, position })
    const connection = node.manager.getConnection(connectionId)
    if (connection === undefined || connection.removed || !this.wanted.has(stream)) return
    this.#audit.subscribing(this.name, stream)
    const id = ++this.#subscribes
    this.#asked.set(stream, id)
    node.recovery.subscribe(connection as never, { ...stream, position, id } as never)
  }

  #receive(connectionId: string, text: string): void {
    if (connectionId !== this.connectionId || this.node === undefined) return
    if (this.#isLateAnswer(text)) return
    const { message } = this.#tracker.receive(text)
    if (message === undefined) return
    if (message.type === 'gap' && this.#mayLag) this.#audit.told(this.name, message, { missed: undefined })
    else this.#audit.received(this.name, text)
  }

  /** True for the answer to a subscribe that the client has taken back while the answer waited on a slow connection. */
  #isLateAnswer(text: string): boolean {
    const { type, id } = JSON.parse(text) as { readonly type?: string; readonly id?: number }
    return type === 'subscribed' && ![...this.#asked.values()].includes(id as number)
  }

  #closed(connectionId: string): void {
    if (connectionId !== this.connectionId || this.node === undefined) return
    this.node = undefined
    this.#tracker.disconnected()
    this.#audit.disconnected(this.name)
  }
}
