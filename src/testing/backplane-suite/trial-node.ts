import type { BackplaneClient } from '../backplane-harness.ts'
import { describe, type Patience } from '../suite/patience.ts'

/**
 * A subject that every node of a trial is subscribed to. After its messages, a publisher publishes a text to this subject. A node that has received
 * this text has also received the earlier messages of the publisher, as far as the node is subscribed to their subjects.
 */
export const FENCE = 'cluster.fence'

/** A message that a node has received, or should receive. */
export type Delivery = readonly [subject: string, text: string]

/** A driver under test, and what it has received. */
export class TrialNode {
  readonly name: string
  readonly received: Delivery[] = []
  readonly statuses: boolean[] = []
  readonly #client: BackplaneClient
  readonly #patience: Patience
  #isPublishing = false
  #hasReceivedWithin = false
  #isClosed = false
  #fences = 0

  constructor(name: string, client: BackplaneClient, patience: Patience) {
    this.name = name
    this.#client = client
    this.#patience = patience
  }

  get isUp(): boolean | undefined {
    return this.statuses.at(-1)
  }

  /** True if the node received a message before a call of `publish` had returned. */
  get hasReceivedWithinPublish(): boolean {
    return this.#hasReceivedWithin
  }

  async open(): Promise<void> {
    const receive = (subject: string, text: string): void => {
      this.#hasReceivedWithin ||= this.#isPublishing
      this.received.push([subject, text])
    }
    await this.#patience.within(`${this.name} opens`, this.#client.backplane.open(receive, (isUp) => void this.statuses.push(isUp)))
    await this.reports(true)
  }

  /** Publishes a text, and ignores whether the driver accepts it. */
  publish(subject: string, text: string): void {
    this.#publish(subject, text).catch(() => {})
  }

  /** Publishes a text, and waits until the driver has accepted or refused it. Returns false if the driver refused the text. */
  hands(subject: string, text: string): Promise<boolean> {
    return this.#patience.within(`${this.name} accepts or refuses a text`, this.#publish(subject, text).then(() => true, () => false))
  }

  subscribe(...subjects: readonly string[]): Promise<void> {
    return this.#patience.within(`${this.name} subscribes to ${subjects.length} subjects`, this.#client.backplane.subscribe(subjects))
  }

  unsubscribe(...subjects: readonly string[]): Promise<void> {
    return this.#patience.within(`${this.name} unsubscribes from ${subjects.length} subjects`, this.#client.backplane.unsubscribe(subjects))
  }

  subscribers(subject: string): Promise<number> {
    return this.#patience.within(`${this.name} counts the subscribers`, this.#client.backplane.subscribers(subject))
  }

  /** Calls `subscribe`, `unsubscribe` and `subscribers`. Fails if one of these promises does not settle. */
  async settlesEveryCall(): Promise<void> {
    const { backplane } = this.#client
    const calls = { subscribe: () => backplane.subscribe(['in.flight']), unsubscribe: () => backplane.unsubscribe(['in.flight']), subscribers: () => backplane.subscribers('in.flight') }
    const settling = Object.entries(calls).map(([method, call]) => this.#patience.within(`${method} of ${this.name} settles`, settled(call)))
    await Promise.all(settling)
  }

  async reports(isUp: boolean): Promise<void> {
    await this.#patience.until(`${this.name} reports ${isUp ? 'up' : 'down'}`, { look: () => this.isUp, isAsExpected: (seen) => seen === isUp })
  }

  /** Uses the application's own client. */
  async use(): Promise<void> {
    await this.#patience.within(`the own client of ${this.name} can still be used`, this.#client.use())
  }

  /** Publishes a fence. Resolves when all of these nodes have received the fence. */
  async fence(...nodes: readonly TrialNode[]): Promise<void> {
    const text = `${this.name} ${++this.#fences}`
    this.publish(FENCE, text)
    for (const node of nodes) await node.#receivesFence(text)
  }

  /** Everything that this node has received, except fences. */
  get deliveries(): Delivery[] {
    return this.received.filter(([subject]) => subject !== FENCE)
  }

  /** Fails unless this node has received exactly these messages in this order. Fences do not count. */
  hasReceived(deliveries: readonly Delivery[]): void {
    const [expected, seen] = [describeWhole(deliveries), describeWhole(this.deliveries)]
    if (expected === seen) return
    const at = deliveries.findIndex((each, i) => describeWhole([each]) !== describeWhole(this.deliveries.slice(i, i + 1)))
    const i = at === -1 ? deliveries.length : at
    throw new Error(`Expected delivery ${i + 1} of ${this.name} to be ${describe(deliveries[i] ?? 'none')}, but it is ${describe(this.deliveries[i] ?? 'none')}`)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#patience.within(`${this.name} closes`, this.#client.backplane.close())
  }

  async stop(): Promise<void> {
    await this.close()
    await this.#patience.within(`the own client of ${this.name} stops`, this.#client.stop())
  }

  async #publish(subject: string, text: string): Promise<unknown> {
    this.#isPublishing = true
    try {
      // Not awaited: what comes before the broker has answered does not come from within the call.
      return this.#client.backplane.publish(subject, text)
    } finally {
      this.#isPublishing = false
    }
  }

  async #receivesFence(fence: string): Promise<void> {
    await this.#patience.until(`${this.name} receives what was published`, {
      look: () => this.received.some(([subject, text]) => subject === FENCE && text === fence),
      isAsExpected: (seen) => seen,
      describeSeen: () => `it received ${this.received.length} texts, the last one ${describe(this.received.at(-1) ?? 'none')}`,
    })
  }
}

function describeWhole(value: unknown): string {
  return JSON.stringify(value)
}

/** Resolves when a call has settled. */
async function settled(call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch {
    // To reject is to settle.
  }
}
