import { inspectable } from '../guards/inspect.ts'

/**
 * Makes the objects of a class fit to be handed to callers: their prototype cannot be changed, does not lead to the class and its static
 * methods, and `console.log` shows what `toJSON` says.
 */
export function concealed<TClass extends new (...facts: never[]) => { toJSON(): unknown }>(shown: TClass): TClass {
  const { prototype } = inspectable(shown) as { readonly prototype: object }
  // Not deleted: an own `constructor` is how the objects of a class are told from plain ones.
  Object.defineProperty(prototype, 'constructor', { value: Object })
  Object.freeze(prototype)
  return shown
}

/**
 * Returns a getter of a class as a property that each object can have as its own.
 *
 * All objects share the one function, so it takes no memory of theirs and they keep their hidden class. Takes the class and not its prototype:
 * a bundler takes the reading of a property for a side effect, and would keep the class for it.
 */
export function sharedAccessor({ prototype }: { readonly prototype: object }, name: string): PropertyDescriptor {
  return { ...Object.getOwnPropertyDescriptor(prototype, name), enumerable: true, configurable: false }
}
