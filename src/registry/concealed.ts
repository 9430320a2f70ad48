import { inspectable } from '../guards/inspect.ts'

/**
 * Prepares a class whose objects are handed to callers. Their prototype cannot be changed, and does not lead to the class and its static methods.
 * `console.log` prints what `toJSON` returns.
 */
export function concealed<TClass extends new (...facts: never[]) => { toJSON(): unknown }>(shown: TClass): TClass {
  const { prototype } = inspectable(shown) as { readonly prototype: object }
  // Not deleted, because an own `constructor` is what distinguishes the objects of a class from plain ones.
  Object.defineProperty(prototype, 'constructor', { value: Object })
  Object.freeze(prototype)
  return shown
}

/**
 * Returns the descriptor of a class's getter, so that each object can have it as an own property.
 *
 * All objects share one function. So the property takes no memory per object, and the objects keep their hidden class. The argument is the class and
 * not its prototype, because a bundler treats reading a property as a side effect. It would keep the class in every program.
 */
export function sharedAccessor({ prototype }: { readonly prototype: object }, name: string): PropertyDescriptor {
  return { ...Object.getOwnPropertyDescriptor(prototype, name), enumerable: true, configurable: false }
}
