import type { HostHarness } from '../host.ts'
import type { Patience } from './patience.ts'
import { TrialHost } from './trial-host.ts'

/** One run of one test, and the servers that it starts. */
export class Trial {
  readonly #harness: HostHarness
  readonly #patience: Patience
  readonly #hosts: TrialHost[] = []

  constructor(harness: HostHarness, patience: Patience) {
    this.#harness = harness
    this.#patience = patience
  }

  async start(): Promise<TrialHost> {
    const running = await this.#patience.within('the server starts', this.#harness.start())
    const host = new TrialHost(running, this.#patience)
    this.#hosts.push(host)
    return host
  }

  /** Stops every server. Fails if a server does not stop. */
  async end(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#hosts.map((host) => host.stop()))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
}
