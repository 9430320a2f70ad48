import { inspectable } from '../guards/inspect.ts'

/**
 * Prepares a class whose objects are handed to callers. Callers cannot change the prototype. Callers also cannot reach the class and its static
 * methods through the prototype. `console.log` prints the result of `toJSON`.
 */
export function concealed<TClass extends new (...facts: never[]) => { toJSON(): unknown }>(shown: TClass): TClass {
  const { prototype } = inspectable(shown) as { readonly prototype: object }
  // Do not delete `constructor`. An own `constructor` shows that the prototype belongs to a class, so that its objects do not count as plain objects.
  Object.defineProperty(prototype, 'constructor', { value: Object })
  Object.freeze(prototype)
  return shown
}

/**
 * Returns the descriptor of a class's getter. Each object can then have the getter as an own property.
 *
 * All objects share one function. So the property takes no memory per object, and the objects keep their hidden class. The argument is the class, not
 * its prototype, because a bundler treats the reading of `prototype` as a side effect. The bundler would then keep the class in every program.
 *
 * The descriptor has no `set`. V8 takes twice the time to define a property whose descriptor says `set: undefined`, which means the same.
 */
export function sharedAccessor({ prototype }: { readonly prototype: object }, name: string): PropertyDescriptor {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as Required<PropertyDescriptor>
  return { get, enumerable: true }
}
