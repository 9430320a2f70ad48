import type { BackplaneHarness, RunningBroker } from '../backplane-harness.ts'
import type { Patience } from '../suite/patience.ts'
import { FENCE, TrialNode } from './trial-node.ts'
import { UnhandledErrors } from './unhandled-errors.ts'

type Fault = 'kill' | 'restart' | 'freeze' | 'thaw'

const NAMES = ['node A', 'node B', 'node C']

/** One run of one test: a broker, and the nodes that use it. */
export class BackplaneTrial {
  readonly patience: Patience
  readonly #harness: BackplaneHarness
  readonly #nodes: TrialNode[] = []
  readonly #unhandled = new UnhandledErrors()
  #broker: RunningBroker | undefined

  constructor(harness: BackplaneHarness, patience: Patience) {
    this.#harness = harness
    this.patience = patience
  }

  /** Starts the broker and two nodes. Both nodes are subscribed to the subject `FENCE`. */
  async start(): Promise<[TrialNode, TrialNode]> {
    this.#broker = await this.patience.within('the broker starts', this.#harness.start())
    return [await this.join(), await this.join()]
  }

  async join(): Promise<TrialNode> {
    const client = await this.patience.within('a client connects', this.#started.connect())
    const node = new TrialNode(NAMES[this.#nodes.length] ?? 'a node', client, this.patience)
    this.#nodes.push(node)
    await node.open()
    await node.subscribe(FENCE)
    return node
  }

  async broker(fault: Fault): Promise<void> {
    const method = this.#started[fault]
    if (typeof method !== 'function') throw new Error(`This test requires the broker to have \`${fault}\`: add it, or skip the test with a reason`)
    await this.patience.within(`the broker does \`${fault}\``, method.call(this.#started))
  }

  /** Waits a moment for messages that may be on their way. Use `pause` if the test has no other way to learn that these messages have come. */
  async pause(): Promise<void> {
    let polls = 0
    await this.patience.until('a moment passes', { look: () => ++polls, isAsExpected: (count) => count > 10 })
  }

  /** Stops everything. Fails if something does not stop, or if an error was not handled. */
  async end(): Promise<void> {
    const stopped = await Promise.allSettled(this.#nodes.map((node) => node.stop()))
    await this.patience.within('the broker stops', this.#broker?.stop())
    const unhandled = await this.#unhandled.end(() => this.pause())
    for (const outcome of stopped) if (outcome.status === 'rejected') throw outcome.reason
    if (unhandled.length > 0) throw new Error(`Expected no error without a handler, but there is ${String(unhandled[0])}`, { cause: unhandled[0] })
  }

  get #started(): RunningBroker {
    if (this.#broker === undefined) throw new Error('The broker was not started')
    return this.#broker
  }
}
