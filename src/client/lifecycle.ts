/** The object on which a page fires its events. In a browser, this object is `globalThis`. */
export interface LifecycleTarget {
  /** Calls the listener with each event of this type. */
  addEventListener(type: string, listener: (event: never) => void): void
  /** Removes the listener. */
  removeEventListener(type: string, listener: (event: never) => void): void
  /** The document of the page, which says whether the page is visible. */
  readonly document?: { readonly visibilityState?: string | undefined } | undefined
}

/** An event of a page. */
export interface PageEvent {
  readonly type: string
  readonly persisted?: boolean
}

const EVENTS = ['online', 'offline', 'pagehide', 'pageshow', 'visibilitychange']

/** Adds a listener for the events of a page, or removes it. Adding or removing the listener twice changes nothing. */
export function listenTo(target: LifecycleTarget | null, isNeeded: boolean, listener: (event: PageEvent) => void): void {
  for (const type of EVENTS) target?.[isNeeded ? 'addEventListener' : 'removeEventListener'](type, listener)
}

/** Returns the object on which the runtime fires the events of its page. Returns `null` if the runtime has no page. */
export function runtimeLifecycle(): LifecycleTarget | null {
  const target = globalThis as unknown as LifecycleTarget
  return target.document ? target : null
}
