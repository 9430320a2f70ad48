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

export const PAGE_EVENTS: readonly string[] = ['online', 'offline', 'pagehide', 'pageshow', 'visibilitychange']
