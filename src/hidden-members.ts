import { INSPECT } from './guards/inspect.ts'

// Members of a manager that are defined at run time. If the class declared them, its type would show them, or the class would need a newer version of
// the language.

/**
 * The type of `Symbol.asyncDispose`. The type is `never` if the compiler does not know the symbol. The symbol is not part of the ECMAScript version
 * that the library targets.
 */
type AsyncDisposeKey = SymbolConstructor extends { readonly asyncDispose: infer TKey extends symbol } ? TKey : never

/** The member that `await using` calls. */
export type Disposal = {
  /** Calls `cleanup()`. `await using` calls this member at the end of its block, in runtimes that have `Symbol.asyncDispose`. */
  readonly [TKey in AsyncDisposeKey]: () => Promise<void>
}

/** The methods that the hidden members call. */
interface Manager {
  toJSON(): unknown
  cleanup(): Promise<unknown>
}

let managersMade = 0

/** Defines the members of a manager that its class does not declare. */
export function defineHiddenMembers(manager: Manager): void {
  // A deep equality check does not see private state. Without a public property, it would find any two managers equal.
  Object.defineProperty(manager, 'serial', { value: ++managersMade, enumerable: true })
  Object.defineProperty(manager, INSPECT, { value: () => manager.toJSON() })
  const { asyncDispose } = Symbol as { readonly asyncDispose?: symbol }
  // In a runtime without this symbol, the property would be named "undefined".
  if (typeof asyncDispose === 'symbol') Object.defineProperty(manager, asyncDispose, { value: async () => void (await manager.cleanup()) })
}
