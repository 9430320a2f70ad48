import { INSPECT } from './guards/inspect.ts'

// Members that would show in the type if the class declared them, or that need a newer version of the language.

/** The key of `Symbol.asyncDispose`, if the compiler knows it: `await using` is newer than the language version of the library. */
type AsyncDisposeKey = SymbolConstructor extends { readonly asyncDispose: infer TKey extends symbol } ? TKey : never

/** What `await using` needs. */
export type Disposal = {
  /** Cleans up at the end of an `await using` block, in runtimes that have `Symbol.asyncDispose`. */
  readonly [TKey in AsyncDisposeKey]: () => Promise<void>
}

/** The internal functions that the hidden members call. */
interface Manager {
  toJSON(): unknown
  cleanup(): Promise<unknown>
}

let managersMade = 0

/** Defines the members of a manager that its type does not show. */
export function defineHiddenMembers(manager: Manager): void {
  // An equality check sees no private state. Without a public property, any two managers would be equal.
  Object.defineProperty(manager, 'serial', { value: ++managersMade, enumerable: true })
  Object.defineProperty(manager, INSPECT, { value: () => manager.toJSON() })
  const { asyncDispose } = Symbol as { readonly asyncDispose?: symbol }
  // In a runtime without this symbol, the property would be named "undefined".
  if (typeof asyncDispose === 'symbol') Object.defineProperty(manager, asyncDispose, { value: async () => void (await manager.cleanup()) })
}
