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
 * All objects share one function. So the property takes no memory in each object, and the objects keep their hidden class. The argument is the
 * class and not its prototype, because a bundler treats reading a property as a side effect. It would keep the class in every program.
 */
export function sharedAccessor({ prototype }: { readonly prototype: object }, name: string): PropertyDescriptor {
  return { ...Object.getOwnPropertyDescriptor(prototype, name), enumerable: true, configurable: false }
}
