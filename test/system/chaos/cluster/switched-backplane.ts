import type { Backplane } from '../../../../src/cluster/index.ts'
import type { Flow } from './messages.ts'

/** A bus in memory loses nothing by itself. This one does what the way to a broker may do. */
export class SwitchedBackplane implements Backplane {
  readonly #bus: Backplane
  #flow: Flow = 'passing'
  #status: (isUp: boolean) => void = () => {}
  /** What waits, in both directions. */
  readonly #waiting: (() => void)[] = []
  /** The calls that have no answer yet. */
  readonly #open = new Set<(error: Error) => void>()

  constructor(bus: Backplane) {
    this.#bus = bus
  }

  open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void> {
    this.#status = status
    return this.#bus.open((subject, text) => this.#pass(() => receive(subject, text)), (isUp) => isUp && status(true))
  }

  publish(subject: string, text: string): void {
    if (this.#flow === 'down') throw new Error('There is no bus')
    this.#pass(() => void this.#bus.publish(subject, text))
  }

  subscribe(subjects: readonly string[]): Promise<void> {
    return this.#call(() => this.#bus.subscribe(subjects))
  }

  unsubscribe(subjects: readonly string[]): Promise<void> {
    return this.#call(() => this.#bus.unsubscribe(subjects))
  }

  subscribers(subject: string): Promise<number> {
    return this.#call(() => this.#bus.subscribers(subject))
  }

  close(): Promise<void> {
    return this.#bus.close()
  }

  set flow(flow: Flow) {
    const wasDown = this.#flow === 'down'
    this.#flow = flow
    if (flow === 'down') this.#lose()
    else if (flow === 'passing') for (const act of this.#waiting.splice(0)) act()
    if (wasDown !== (flow === 'down')) this.#status(wasDown)
  }

  #pass(act: () => void): void {
    if (this.#flow === 'passing') act()
    else if (this.#flow === 'stalled') this.#waiting.push(act)
  }

  #call<TAnswer>(act: () => Promise<TAnswer>): Promise<TAnswer> {
    if (this.#flow === 'down') return Promise.reject(new Error('There is no bus'))
    return new Promise((resolve, reject) => {
      this.#open.add(reject)
      this.#pass(() => act().then(resolve, reject).finally(() => this.#open.delete(reject)))
    })
  }

  #lose(): void {
    this.#waiting.length = 0
    for (const reject of this.#open) reject(new Error('The bus was lost'))
    this.#open.clear()
  }
}
