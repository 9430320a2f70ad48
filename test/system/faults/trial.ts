import { seededRandom } from '../../support/seeded-random.ts'
import type { Arena } from './market.ts'
import { Stage, type StageOptions } from './scripted/stage.ts'
import { Host, type HostOptions } from './ws/host.ts'
import { RemoteHost } from './ws/remote-host.ts'
import type { ServerSettings } from './ws/server-process.ts'

/** One run of one scenario: its seed, what it injects, and what is to be looked at in the end. */
export class Trial {
  readonly seed: number
  readonly random: () => number
  readonly injected = new Map<string, number>()
  readonly arenas: Arena[] = []

  constructor(seed: number) {
    this.seed = seed
    this.random = seededRandom(seed)
  }

  /** A manager with scripted sockets. */
  stage(options?: StageOptions): Stage {
    const stage = new Stage(this, options)
    this.arenas.push(stage)
    return stage
  }

  /** A manager on a real WebSocket server. */
  async host(options?: HostOptions): Promise<Host> {
    const host = new Host(this, options)
    this.arenas.push(host)
    await host.listen()
    return host
  }

  /** A server in a process of its own. */
  async serverProcess(settings: ServerSettings): Promise<RemoteHost> {
    const remote = new RemoteHost(settings)
    this.arenas.push(remote)
    await remote.listening()
    return remote
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1))
  }

  one<TItem>(items: readonly TItem[]): TItem {
    return items[this.between(0, items.length - 1)] as TItem
  }

  /** Counts a fault that struck. */
  inject(what: string, times = 1): void {
    this.injected.set(what, (this.injected.get(what) ?? 0) + times)
  }

  /** A hook that throws each time it is called, from the call of this number on. */
  throws(what = 'throw', from = 1): () => never | undefined {
    let calls = 0
    return () => {
      if (++calls < from) return undefined
      this.inject(what)
      throw new Error(`Injected: ${what}`)
    }
  }

  /** A hook that answers with a promise which rejects. */
  rejects(what = 'rejection'): () => Promise<never> {
    return () => {
      this.inject(what)
      return Promise.reject(new Error(`Injected: ${what}`))
    }
  }

  /** A hook that answers with a promise which never settles. */
  hangs(what = 'hang'): () => Promise<never> {
    return () => {
      this.inject(what)
      return new Promise(() => {})
    }
  }

  /** A hook that answers with a promise which rejects when it is told to. */
  rejectsLater(what = 'late rejection'): { hook: () => Promise<never>; reject: () => void } {
    const rejections: (() => void)[] = []
    return {
      hook: () => new Promise((_, reject) => void rejections.push(() => reject(new Error(`Injected: ${what}`)))),
      reject: () => {
        for (const reject of rejections.splice(0)) {
          this.inject(what)
          reject()
        }
      },
    }
  }

  /** A hook that gives this answer, so many times at most. */
  answers<TAnswer>(answer: TAnswer, times = Infinity, what = `answer of ${String(answer)}`): () => TAnswer | undefined {
    let calls = 0
    return () => {
      if (++calls > times) return undefined
      this.inject(what)
      return answer
    }
  }

  /** A hook that does something, once. */
  once(what: string, act: () => unknown): () => void {
    let isDone = false
    return () => {
      if (isDone) return
      isDone = true
      this.inject(what)
      act()
    }
  }

  async finish(): Promise<void> {
    for (const arena of this.arenas) await arena.finish()
  }

  /** Frees whatever a failure has left behind. */
  async abandon(): Promise<void> {
    for (const arena of this.arenas) await arena.abandon()
  }
}
