/** The object on which a page fires its events: `globalThis` of a browser. */
export interface LifecycleTarget {
  /** Calls the listener with each event of this type. */
  addEventListener(type: string, listener: (event: never) => void): void
  /** Removes the listener. */
  removeEventListener(type: string, listener: (event: never) => void): void
  /** Tells whether the page can be seen. */
  readonly document?: { readonly visibilityState?: string | undefined } | undefined
}

/** An event of a page. */
export interface PageEvent {
  readonly type: string
  readonly persisted?: boolean
}

const EVENTS = ['online', 'offline', 'pagehide', 'pageshow', 'visibilitychange']

/** Adds a listener for the events of a page, or removes it. Doing either twice changes nothing. */
export function listenTo(target: LifecycleTarget | null, isNeeded: boolean, listener: (event: PageEvent) => void): void {
  for (const type of EVENTS) target?.[isNeeded ? 'addEventListener' : 'removeEventListener'](type, listener)
}

/** Returns the object on which the runtime fires the events of its page. `null` if it has no page. */
export function runtimeLifecycle(): LifecycleTarget | null {
  const target = globalThis as unknown as LifecycleTarget
  return target.document ? target : null
}
