/** Where a page tells what happens to it: `globalThis` of a browser. */
export interface LifecycleTarget {
  addEventListener(type: string, listener: (event: never) => void): void
  removeEventListener(type: string, listener: (event: never) => void): void
  /** Tells whether the page can be seen. */
  readonly document?: { readonly visibilityState?: string | undefined } | undefined
}

/**
 * What happens to a page. `hides`: it goes into the back-forward cache. `online`: the network is back. `wakes`: timers may have been throttled, or the
 * network may have changed.
 */
export type PageChange = 'hides' | 'online' | 'wakes'

interface PageEvent {
  readonly type: string
  readonly persisted?: boolean
}

const EVENTS = ['online', 'offline', 'pagehide', 'pageshow', 'visibilitychange']

declare const document: unknown

/** Returns where the runtime tells of its page. `undefined` if it has no page. */
export function runtimeLifecycle(): LifecycleTarget | undefined {
  return typeof document === 'undefined' ? undefined : (globalThis as unknown as LifecycleTarget)
}

/** Listens to what happens to the page, as long as a connection is needed. */
export class Lifecycle {
  readonly #target: LifecycleTarget | null | undefined
  readonly #told: (change: PageChange) => void
  #isListening = false

  constructor(target: LifecycleTarget | null | undefined, told: (change: PageChange) => void) {
    this.#target = target
    this.#told = told
  }

  listen(isNeeded: boolean): void {
    if (isNeeded === this.#isListening) return
    this.#isListening = isNeeded
    for (const type of EVENTS) this.#target?.[isNeeded ? 'addEventListener' : 'removeEventListener'](type, this.#hear)
  }

  readonly #hear = ({ type, persisted }: PageEvent): void => {
    const isHiding = type === 'pagehide'
    // A page that is not kept is gone for good.
    if (isHiding ? persisted : this.#target?.document?.visibilityState !== 'hidden') this.#told(isHiding ? 'hides' : type === 'online' ? type : 'wakes')
  }
}
