// Where a macrotask can follow what is already due, and nothing else: Node, Bun and Deno.
declare const setImmediate: ((fn: () => void) => unknown) | undefined

/**
 * Calls back once at the end of the tick in which something was first added, with all that was added.
 *
 * The end of a tick is a `setImmediate`: what one turn of the event loop reads from its sockets is gathered, however many
 * callbacks and awaits it takes, and on an idle loop nothing is waited for. Where there is none it is a microtask.
 */
export class EndOfTick<TItem> {
  #items: TItem[] = []
  readonly #callback: (items: readonly TItem[]) => void

  constructor(callback: (items: readonly TItem[]) => void) {
    this.#callback = callback
  }

  add(item: TItem): void {
    if (this.#items.push(item) === 1) atEndOfTick(() => this.#end())
  }

  #end(): void {
    const items = this.#items
    this.#items = []
    this.#callback(items)
  }
}

function atEndOfTick(fn: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(fn)
  else void Promise.resolve().then(fn)
}
