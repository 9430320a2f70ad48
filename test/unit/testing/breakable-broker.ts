import { createMemoryBus, memoryBackplane } from '../../../src/backplanes/memory/index.ts'
import type { Backplane } from '../../../src/ports/backplane.ts'
import type { BackplaneClient, BackplaneHarness, RunningBroker } from '../../../src/testing/backplane-harness.ts'

/** A broker in this process that can be killed and frozen. */
export class BreakableBroker implements RunningBroker {
  readonly bus = createMemoryBus()
  isGone = false
  readonly #own = memoryBackplane(this.bus)
  #drivers: BreakableDriver[] = []
  /** What the frozen broker does later. */
  #held: (() => void)[] | undefined
  readonly #makeDriver: (broker: BreakableBroker) => BreakableDriver

  constructor(makeDriver: (broker: BreakableBroker) => BreakableDriver = (broker) => new BreakableDriver(broker)) {
    this.#makeDriver = makeDriver
    void this.#own.open(() => {}, () => {})
  }

  connect(): BackplaneClient {
    const driver = this.#makeDriver(this)
    this.#drivers.push(driver)
    return { backplane: driver, use: () => driver.use(), stop: () => {} }
  }

  async kill(): Promise<void> {
    this.isGone = true
    this.#held = undefined
    await Promise.all(this.#drivers.map((driver) => driver.lose()))
  }

  async restart(): Promise<void> {
    this.isGone = false
    await Promise.all(this.#drivers.map((driver) => driver.restore()))
  }

  freeze(): void {
    this.#held = []
  }

  thaw(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const act of held) act()
  }

  stop(): void {
    this.#held = undefined
  }

  spread(subject: string, text: string): void {
    if (!this.isGone) this.#own.publish(subject, text)
  }

  /** Runs now, or once the broker goes on. */
  run(act: () => void): void {
    if (this.#held === undefined) act()
    else this.#held.push(act)
  }
}

/** A correct driver of a broker that can be killed. Tests override methods to make it faulty. */
export class BreakableDriver implements Backplane {
  readonly broker: BreakableBroker
  readonly subjects = new Set<string>()
  protected receive: (subject: string, text: string) => void = () => {}
  protected status: (isUp: boolean) => void = () => {}
  /** The line of the present link. */
  protected line: Backplane
  protected isClientOpen = true
  readonly #rejections = new Set<(error: Error) => void>()

  constructor(broker: BreakableBroker) {
    this.broker = broker
    this.line = memoryBackplane(broker.bus)
  }

  async open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void> {
    this.receive = receive
    this.status = status
    await this.restore()
  }

  publish(subject: string, text: string): unknown {
    this.assertUp()
    this.broker.run(() => this.spread(subject, text))
    return undefined
  }

  subscribe(subjects: readonly string[]): Promise<void> {
    return this.ask(async () => {
      await this.line.subscribe(subjects)
      for (const subject of subjects) this.subjects.add(subject)
    })
  }

  unsubscribe(subjects: readonly string[]): Promise<void> {
    return this.ask(async () => {
      await this.line.unsubscribe(subjects)
      for (const subject of subjects) this.subjects.delete(subject)
    })
  }

  subscribers(subject: string): Promise<number> {
    return this.ask(() => this.line.subscribers(subject))
  }

  async close(): Promise<void> {
    this.receive = () => {}
    this.status = () => {}
    await this.line.close()
  }

  async use(): Promise<void> {
    if (!this.isClientOpen) throw new Error('the client is closed')
  }

  async lose(): Promise<void> {
    await this.line.close()
    for (const reject of this.#rejections) reject(new Error('the link is lost'))
    this.status(false)
  }

  async restore(): Promise<void> {
    this.line = memoryBackplane(this.broker.bus)
    await this.line.open((subject, text) => this.receive(subject, text), () => {})
    await this.line.subscribe([...this.subjects])
    this.status(true)
  }

  protected spread(subject: string, text: string): void {
    this.broker.spread(subject, text)
  }

  protected assertUp(): void {
    if (this.broker.isGone) throw new Error('the link is lost')
  }

  /** Asks the broker, which may be frozen, or killed meanwhile. */
  protected ask<TAnswer>(question: () => Promise<TAnswer>): Promise<TAnswer> {
    return new Promise((resolve, reject) => {
      if (this.broker.isGone) reject(new Error('the link is lost'))
      this.#rejections.add(reject)
      this.broker.run(() => question().then(resolve, reject))
    })
  }
}

export function harnessOfDriver(makeDriver?: (broker: BreakableBroker) => BreakableDriver): BackplaneHarness {
  return { start: async () => new BreakableBroker(makeDriver) }
}
